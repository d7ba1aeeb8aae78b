// A minimal backend: GET /bytes/N answers N bytes; a WebSocket on /echo gets its messages back, one on /sink
// a byte for every `sink_messages` of its own. Nothing is allocated per message.
#include <openssl/evp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <string_view>

#include "frames.h"
#include "loop.h"
#include "sink.h"
#include "sockets.h"

namespace bench {
namespace {

constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::size_t head_bytes_max = 64 * 1024;
std::array<char, read_bytes> input;
std::array<char, read_bytes + (read_bytes / 2)> output;

std::string accept_for(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(size));
  return static_cast<const char*>(static_cast<const void*>(encoded.data()));
}

// The value of a field of an HTTP/1 head, whose names proxies write in either case.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        strncasecmp(line.data(), name.data(), name.size()) != 0)
      continue;
    std::string_view value = line.substr(name.size() + 1, line.find("\r\n") - name.size() - 1);
    while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    return value;
  }
  return {};
}

class Connection final : public Handler {
 public:
  Connection(Loop& loop, int descriptor) : loop_(loop), descriptor_(descriptor) {
    loop.add(descriptor, *this);
  }
  ~Connection() { ::close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void on_events(std::uint32_t events) override {
    if (gone_) return;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable_ = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) finished_ = true;
    if (!unsent_.empty()) {
      const std::string rest = std::move(unsent_);
      unsent_.clear();
      if (!write(rest)) return;
    }
    while (readable_ && unsent_.empty() && !gone_) {
      const long got = ::recv(descriptor_, input.data(), input.size(), 0);
      if (got < 0 && errno == EAGAIN) {
        readable_ = false;
        return;
      }
      if (got <= 0) return end();
      if (static_cast<std::size_t>(got) < input.size() && !finished_) readable_ = false;
      take({input.data(), static_cast<std::size_t>(got)});
    }
  }

 private:
  enum class Kind { http, echo, sink };

  void take(std::string_view bytes) {
    if (kind_ == Kind::http)
      take_heads(bytes);
    else if (kind_ == Kind::echo)
      echo(bytes);
    else
      sink(bytes);
  }

  void take_heads(std::string_view bytes) {
    // Whole in one read, nearly always: then it is not copied.
    if (!head_.empty()) {
      head_ += bytes;
      bytes = head_;
    }
    while (kind_ == Kind::http && !gone_) {
      const std::size_t end = bytes.find("\r\n\r\n");
      if (end == std::string_view::npos) break;
      answer(bytes.substr(0, end + 2));
      bytes.remove_prefix(end + 4);
    }
    std::string rest(bytes);
    head_.clear();
    if (rest.size() > head_bytes_max) return this->end();
    if (kind_ == Kind::http)
      head_ = std::move(rest);
    else if (!rest.empty())
      take(rest);
  }

  void answer(std::string_view head) {
    const std::size_t first = head.find(' ') + 1;
    const std::string_view target = head.substr(first, head.find(' ', first) - first);
    if (const std::string_view key = field(head, "sec-websocket-key"); !key.empty()) {
      kind_ = target.starts_with("/sink") ? Kind::sink : Kind::echo;
      write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          "Sec-WebSocket-Accept: " +
          accept_for(key) + "\r\n\r\n");
      return;
    }
    constexpr std::string_view path = "/bytes/";
    const std::size_t size =
        target.starts_with(path) ? static_cast<std::size_t>(std::atol(target.data() + path.size())) : 2;
    const bool closing = field(head, "connection") == "close";
    char* at = output.data();
    const auto put = [&at](std::string_view text) { at = std::copy(text.begin(), text.end(), at); };
    put("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ");
    put(std::to_string(size));
    put(closing ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
    const std::size_t room = output.size() - static_cast<std::size_t>(at - output.data());
    const std::size_t now = std::min(size, room);
    at = std::fill_n(at, now, 'x');
    write({output.data(), static_cast<std::size_t>(at - output.data())});
    if (size > now && !gone_) {
      const std::string rest(size - now, 'x');
      write(rest);
    }
    if (closing && !gone_) ::shutdown(descriptor_, SHUT_WR);
  }

  // The same frames without their masks: each chunk of input is a chunk of output.
  void echo(std::string_view bytes) {
    std::size_t size = 0;
    bool closed = false;
    while (!bytes.empty()) {
      if (!frames_.in_payload()) {
        if (!frames_.read_header(bytes)) break;
        const std::string header =
            frame_header(frames_.opcode() == ping ? pong : frames_.opcode(), frames_.length(), false);
        std::memcpy(output.data() + size, header.data(), header.size());
        size += header.size();
      }
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frames_.left(), bytes.size()));
      std::memcpy(output.data() + size, bytes.data(), n);
      apply_mask(output.data() + size, n, frames_.key(), frames_.done());
      size += n;
      bytes.remove_prefix(n);
      closed = frames_.opcode() == close;
      if (frames_.advance(n) && closed) break;
      closed = false;
    }
    write({output.data(), size});
    // The server closes first (RFC 6455 section 7.1.1).
    if (closed && !gone_) end();
  }

  void sink(std::string_view bytes) {
    while (!bytes.empty() && !gone_) {
      if (!frames_.in_payload() && !frames_.read_header(bytes)) return;
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frames_.left(), bytes.size()));
      bytes.remove_prefix(n);
      if (frames_.advance(n) && ++messages_ % sink_messages == 0) write(frame_header(binary, 1, false) + "k");
    }
  }

  bool write(std::string_view bytes) {
    if (!unsent_.empty()) {
      unsent_ += bytes;
      return false;
    }
    while (!bytes.empty()) {
      const long sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EAGAIN) break;
      if (sent < 0) {
        end();
        return false;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    unsent_ = bytes;
    return unsent_.empty();
  }

  void end() {
    if (gone_) return;
    gone_ = true;
    loop_.bury(std::unique_ptr<Connection>(this));
  }

  Loop& loop_;
  int descriptor_;
  Kind kind_ = Kind::http;
  FrameReader frames_;
  std::uint64_t messages_ = 0;
  std::string head_;
  std::string unsent_;
  bool readable_ = false;
  bool finished_ = false;  // the peer has: no other edge says so, the end is to be read
  bool gone_ = false;
};

class Door final : public Handler {
 public:
  Door(Loop& loop, const std::string& address) : loop_(loop), descriptor_(listen_on(address)) {
    loop.add(descriptor_, *this, EPOLLIN | EPOLLET);
  }
  void on_events(std::uint32_t) override {
    for (int peer = accept_from(descriptor_); peer >= 0; peer = accept_from(descriptor_)) {
      // Lives until it ends itself.
      auto connection = std::make_unique<Connection>(loop_, peer);
      (void)connection.release();
    }
  }

 private:
  Loop& loop_;
  int descriptor_;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc != 2) bench::die("usage: bench_backend LISTEN");
  std::signal(SIGPIPE, SIG_IGN);
  bench::allow_many_descriptors();
  bench::Loop loop;
  const bench::Door door(loop, argv[1]);
  for (;;) loop.turn();
}
