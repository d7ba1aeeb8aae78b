#include "cli/demo_backend.h"

#include <fmt/format.h>

#include "base/text.h"
#include "cli/demo_page.h"
#include "protocol/websocket/handshake.h"

namespace passerelle::cli {
namespace {

constexpr std::size_t message_bytes_max = 16 * mebibyte;
// What a guest that does not read may have waiting; past it the guest is shown out.
constexpr std::size_t waiting_bytes_max = 64 * mebibyte;

}  // namespace

// One WebSocket. What is said to it is queued and written by a task of its own, so that one slow guest stops
// nobody.
class DemoBackend::Guest final : public ListNode {
 public:
  Guest(io::Engine& engine, std::unique_ptr<io::Stream> stream_value, io::StopSource* parent)
      : stream(std::move(stream_value)),
        group(engine, parent),
        woken(std::make_unique<io::StopSource>(&group.stop_source())) {}

  void say(websocket::Opcode opcode, BytesView payload, bool fin = true) {
    if (waiting.size() > waiting_bytes_max) return group.stop();
    websocket::append_frame(waiting, opcode, payload, fin);
    woken->request_stop();
  }

  std::unique_ptr<io::Stream> stream;
  io::TaskGroup group;
  std::unique_ptr<io::StopSource> woken;  // requested when there is something to write
  std::string waiting;
  bool closing = false;
};

DemoBackend::DemoBackend(io::Engine& engine, std::string name)
    : engine_(engine),
      name_(std::move(name)),
      server_(engine, [this](const http::Request& request) { return page(request); },
              {.upgrade = [this](std::unique_ptr<io::Stream> stream, const MessageHead& head,
                                 std::string unread) {
                return welcome(std::move(stream), head, std::move(unread));
              }}) {}

io::Task<http::Response> DemoBackend::page(const http::Request& request) const {
  if (request.target.path == "/health")
    co_return http::Response{200, "text/plain; charset=utf-8", "healthy\n", {}};
  if (request.target.path == "/")
    co_return http::Response{200, "text/html; charset=utf-8", std::string(demo_page), {{"X-Backend", name_}}};
  co_return http::Response{
      404,
      "text/plain; charset=utf-8",
      fmt::format("{}: / is a chat page, /chat and /echo are WebSockets, /health answers 200\n", name_),
      {}};
}

io::Task<> DemoBackend::welcome(std::unique_ptr<io::Stream> stream, const MessageHead& head,
                                std::string unread) {
  const auto target = http1::request_target(head);
  const bool chat = target && target->path == "/chat";
  const io::Wait wait{never, &server_.tasks().stop_source()};
  if (!chat && !(target && target->path == "/echo")) {
    (void)co_await stream->finish("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                                  wait);
    co_return;
  }
  std::string answer = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: {}\r\n",
      websocket::accept_for(head.find(FieldId::sec_websocket_key).value_or("")));
  // The first subprotocol offered: a demo agrees to everything.
  if (const auto offered = head.find(FieldId::sec_websocket_protocol)) {
    answer += fmt::format("Sec-WebSocket-Protocol: {}\r\n", trimmed(offered->substr(0, offered->find(','))));
  }
  answer += "\r\n";
  if (!co_await stream->send(answer, wait)) co_return;
  Guest guest(engine_, std::move(stream), &server_.tasks().stop_source());
  if (chat) {
    room_.push_back(guest);
    guest.say(websocket::Opcode::text, fmt::format("{}: welcome", name_));
  }
  guest.group.spawn(write_loop(guest));
  co_await converse(guest, chat, std::move(unread));
  guest.unlink();
  guest.closing = true;
  guest.woken->request_stop();
  co_await guest.group.join();
}

io::Task<> DemoBackend::converse(Guest& guest, bool chat, std::string unread) {
  websocket::FrameReader reader(message_bytes_max);
  reader.feed(unread);
  for (;;) {
    auto frame = reader.next();
    if (!frame) {
      const int code = frame.error().status;
      guest.say(websocket::Opcode::close, std::string{static_cast<char>(code >> 8), static_cast<char>(code)});
      co_return;
    }
    if (*frame) {
      if (!co_await hear(guest, chat, **frame)) co_return;
      continue;
    }
    const auto got = co_await guest.stream->receive({never, &guest.group.stop_source()});
    if (!got || got->empty()) co_return;
    reader.feed(*got);
  }
}

io::Task<bool> DemoBackend::hear(Guest& guest, bool chat, const websocket::Frame& frame) {
  using websocket::Opcode;
  if (frame.opcode == Opcode::close) {
    guest.say(Opcode::close, BytesView(frame.payload).substr(0, 2));
    co_return false;
  }
  if (frame.opcode == Opcode::ping) guest.say(Opcode::pong, frame.payload);
  if (frame.opcode > Opcode::binary) co_return true;
  if (!chat) {
    guest.say(frame.opcode, frame.payload, frame.fin);
    co_return true;
  }
  room_.for_each([&](Guest& other) { other.say(Opcode::text, frame.payload); });
  co_return true;
}

io::Task<> DemoBackend::write_loop(Guest& guest) {
  for (;;) {
    if (guest.waiting.empty()) {
      if (guest.closing || guest.group.stop_source().requested()) break;
      guest.woken = std::make_unique<io::StopSource>(&guest.group.stop_source());
      (void)co_await engine_.sleep({never, guest.woken.get()});
      continue;
    }
    const std::string now = std::move(guest.waiting);
    guest.waiting.clear();
    if (!co_await guest.stream->send(now, {never, &guest.group.stop_source()})) co_return guest.group.stop();
  }
  (void)co_await guest.stream->finish({}, {never, &guest.group.stop_source()});
}

}  // namespace passerelle::cli
