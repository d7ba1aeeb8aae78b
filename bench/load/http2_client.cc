#include <nghttp2/nghttp2.h>

#include <array>
#include <string>
#include <vector>

#include "client.h"
#include "echo_talk.h"
#include "sockets.h"

namespace bench {
namespace {

constexpr std::int32_t window_bytes = 1 << 24;

// Echoes on the WebSockets of one HTTP/2 connection (RFC 8441).
class Http2Client final : public Client {
 public:
  Http2Client(Load& load, const Pattern& pattern) : Client(load), pattern_(pattern) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_client_new(&session_, callbacks, this);
    nghttp2_session_callbacks_del(callbacks);
  }
  ~Http2Client() override { nghttp2_session_del(session_); }

 private:
  struct Socket {
    EchoTalk talk;
    std::string unsent;
    std::int32_t id = 0;
    bool waits = false;  // the session asks for more only once there is more
    bool open = false;
  };

  void on_open() override {
    const std::array<nghttp2_settings_entry, 1> settings = {
        {{.settings_id = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = window_bytes}}};
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, window_bytes);
    flush_session();
  }
  [[nodiscard]] bool on_bytes(std::string_view bytes) override {
    const auto* data = static_cast<const std::uint8_t*>(static_cast<const void*>(bytes.data()));
    const bool sound = nghttp2_session_mem_recv(session_, data, bytes.size()) >= 0 && !broken_;
    flush_session();
    return sound;
  }
  void on_sent() override { flush_session(); }

  void flush_session() {
    if (sending()) return;
    std::string out;
    for (;;) {
      const std::uint8_t* data = nullptr;
      const auto size = nghttp2_session_mem_send(session_, &data);
      if (size <= 0) break;
      out.append(static_cast<const char*>(static_cast<const void*>(data)), static_cast<std::size_t>(size));
    }
    if (!out.empty()) send(std::move(out));
  }

  void connect_all() {
    sockets_.reserve(load().plan.streams);
    for (unsigned i = 0; i < load().plan.streams; ++i) {
      Socket& socket = sockets_.emplace_back(Socket{.talk = {recorder(), pattern_}, .unsent = {}});
      const auto field = [](std::string_view name, std::string_view value) {
        const auto bytes = [](std::string_view text) {
          return static_cast<std::uint8_t*>(static_cast<void*>(const_cast<char*>(text.data())));
        };
        return nghttp2_nv{bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
      };
      const Plan& plan = load().plan;
      const std::array<nghttp2_nv, 6> fields = {field(":method", "CONNECT"),
                                                field(":protocol", "websocket"),
                                                field(":scheme", plan.tls ? "https" : "http"),
                                                field(":path", plan.path),
                                                field(":authority", plan.host),
                                                field("sec-websocket-version", "13")};
      const nghttp2_data_provider provider{.source = {.ptr = &socket}, .read_callback = read_socket};
      socket.id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, &socket);
    }
  }

  void say(Socket& socket) {
    socket.unsent += socket.talk.next();
    socket.unsent += socket.talk.tail();
    if (socket.waits) nghttp2_session_resume_data(session_, socket.id);
    socket.waits = false;
  }

  static long read_socket(nghttp2_session*, std::int32_t, std::uint8_t* into, std::size_t size,
                          std::uint32_t*, nghttp2_data_source* source, void*) {
    Socket& socket = *static_cast<Socket*>(source->ptr);
    socket.waits = socket.unsent.empty();
    if (socket.waits) return NGHTTP2_ERR_DEFERRED;
    const std::size_t n = std::min(size, socket.unsent.size());
    std::memcpy(into, socket.unsent.data(), n);
    socket.unsent.erase(0, n);
    return static_cast<long>(n);
  }

  static int on_frame(nghttp2_session* session, const nghttp2_frame* frame, void* self) {
    auto& client = *static_cast<Http2Client*>(self);
    if (frame->hd.type == NGHTTP2_SETTINGS && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0 &&
        client.sockets_.empty()) {
      if (nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1)
        die("the gateway takes no WebSockets over HTTP/2");
      client.connect_all();
    }
    return 0;
  }
  static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* self) {
    const auto text = [](const std::uint8_t* bytes, std::size_t size) {
      return std::string_view(static_cast<const char*>(static_cast<const void*>(bytes)), size);
    };
    auto& client = *static_cast<Http2Client*>(self);
    auto* socket = static_cast<Socket*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (socket == nullptr || text(name, name_size) != ":status") return 0;
    if (text(value, value_size) != "200") client.broken_ = true;
    socket->open = true;
    client.recorder().opened();
    for (unsigned i = 0; i < client.load().plan.depth; ++i) client.say(*socket);
    return 0;
  }
  static int on_data(nghttp2_session* session, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* self) {
    auto& client = *static_cast<Http2Client*>(self);
    auto* socket = static_cast<Socket*>(nghttp2_session_get_stream_user_data(session, id));
    if (socket == nullptr) return 0;
    const int echoed = socket->talk.take({static_cast<const char*>(static_cast<const void*>(data)), size});
    if (echoed < 0) client.broken_ = true;
    for (int i = 0; i < echoed; ++i) client.say(*socket);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t, std::uint32_t, void* self) {
    static_cast<Http2Client*>(self)->broken_ = true;
    return 0;
  }

  const Pattern& pattern_;
  nghttp2_session* session_ = nullptr;
  std::vector<Socket> sockets_;
  bool broken_ = false;
};

}  // namespace

std::unique_ptr<Client> make_http2_client(Load& load) {
  static const Pattern pattern(load.plan.payload_bytes);
  return std::make_unique<Http2Client>(load, pattern);
}

}  // namespace bench
