#include <string>

#include "client.h"
#include "echo_talk.h"
#include "sink.h"

namespace bench {
namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

std::string upgrade_request(const Plan& plan) {
  return "GET " + plan.path + " HTTP/1.1\r\nHost: " + plan.host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
         "Sec-WebSocket-Version: 13\r\n\r\n";
}

// Up to the 101; what is said then is its heirs' business.
class WebSocketClient : public Client {
 public:
  using Client::Client;

 protected:
  void on_open() override { send(upgrade_request(load().plan)); }
  [[nodiscard]] bool on_bytes(std::string_view bytes) override {
    if (upgraded_) return on_frames(bytes);
    head_ += bytes;
    const std::size_t end = head_.find(end_of_head);
    if (end == std::string::npos) return true;
    if (!head_.starts_with("HTTP/1.1 101 ")) return false;
    upgraded_ = true;
    recorder().opened();
    const std::string rest = head_.substr(end + end_of_head.size());
    head_ = {};
    on_upgraded();
    return rest.empty() || on_frames(rest);
  }
  void on_sent() final {
    if (upgraded_) on_frames_sent();
  }
  virtual void on_upgraded() {}
  virtual void on_frames_sent() {}
  [[nodiscard]] virtual bool on_frames(std::string_view) { return false; }
  void begin_anew() {
    upgraded_ = false;
    open_again();
  }

 private:
  bool upgraded_ = false;
  std::string head_;
};

class EchoClient final : public WebSocketClient {
 public:
  EchoClient(Load& load, const Pattern& pattern) : WebSocketClient(load), talk_(load.recorder, pattern) {}

 private:
  void on_upgraded() override {
    to_send_ = load().plan.depth;
    send_next();
  }
  void on_frames_sent() override { send_next(); }
  [[nodiscard]] bool on_frames(std::string_view bytes) override {
    const int echoed = talk_.take(bytes);
    if (echoed < 0) return false;
    to_send_ += static_cast<unsigned>(echoed);
    send_next();
    return true;
  }
  void send_next() {
    if (to_send_ == 0 || sending()) return;
    --to_send_;
    send(talk_.next(), talk_.tail());
  }

  EchoTalk talk_;
  unsigned to_send_ = 0;
};

// Sends as fast as it is taken, with so many messages not acknowledged.
class OneWayClient final : public WebSocketClient {
 public:
  OneWayClient(Load& load, const Pattern& pattern) : WebSocketClient(load), pattern_(pattern) {}

 private:
  static constexpr unsigned window = 4 * sink_messages;

  void on_upgraded() override { send_next(); }
  void on_frames_sent() override { send_next(); }
  [[nodiscard]] bool on_frames(std::string_view bytes) override {
    while (!bytes.empty()) {
      if (!frames_.in_payload() && !frames_.read_header(bytes)) break;
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frames_.left(), bytes.size()));
      bytes.remove_prefix(n);
      if (!frames_.advance(n)) continue;
      if (under_way_ < sink_messages) return false;
      under_way_ -= sink_messages;
      recorder().done(began_, sink_messages);
      began_ = Clock::now();
    }
    send_next();
    return true;
  }
  void send_next() {
    if (under_way_ >= window || sending()) return;
    if (under_way_++ == 0) began_ = Clock::now();
    send(frame_header(binary, pattern_.masked.size(), true), pattern_.masked);
  }

  const Pattern& pattern_;
  FrameReader frames_;
  unsigned under_way_ = 0;
  Clock::time_point began_;
};

// Connects, upgrades, closes in order, and again.
class HandshakeClient final : public WebSocketClient {
 public:
  explicit HandshakeClient(Load& load) : WebSocketClient(load), began_(Clock::now()) {}

 private:
  void on_upgraded() override {
    closing_ = true;
    std::string frame = frame_header(close, 2, true);
    std::string code = "\x03\xe8";
    apply_mask(code.data(), code.size(), mask_key, 0);
    send(frame + code);
  }
  [[nodiscard]] bool on_frames(std::string_view) override { return closing_; }
  void on_end() override {
    if (!closing_) return fail("the gateway closed the connection before the 101");
    closing_ = false;
    recorder().done(began_);
    began_ = Clock::now();
    begin_anew();
  }

  Clock::time_point began_;
  bool closing_ = false;
};

class IdleClient final : public WebSocketClient {
 public:
  using WebSocketClient::WebSocketClient;
};

}  // namespace

std::unique_ptr<Client> make_websocket_client(Load& load, bool talks) {
  static const Pattern pattern(load.plan.payload_bytes);
  if (!talks || load.plan.mode == "idle") return std::make_unique<IdleClient>(load);
  if (load.plan.mode == "echo") return std::make_unique<EchoClient>(load, pattern);
  if (load.plan.mode == "one-way") return std::make_unique<OneWayClient>(load, pattern);
  return std::make_unique<HandshakeClient>(load);
}

}  // namespace bench
