#include "admin/live_feed.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin/live_picture.h"
#include "base/limits.h"
#include "protocol/websocket/frame.h"
#include "protocol/websocket/handshake.h"

namespace passerelle::admin {
namespace {

using websocket::Opcode;

constexpr std::chrono::seconds interval{1};
constexpr std::chrono::seconds write_timeout{10};
constexpr std::chrono::seconds goodbye_timeout{1};
// Nobody has anything to say here but a Close, or a ping.
constexpr std::size_t message_bytes_max = 1024;
constexpr std::size_t ignored_bytes_max = 1 * mebibyte;

// RFC 6455 section 5.5.1: with the same code; with 1002 where that is none.
std::string answer_to_close(BytesView payload) {
  if (payload.empty()) return {};
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(payload[i]); };
  const auto code = static_cast<std::uint16_t>(payload.size() < 2 ? 0 : at(0) << 8 | at(1));
  constexpr std::uint16_t protocol_error = 1002;
  return websocket::close_payload(websocket::may_be_sent(code) ? code : protocol_error, {});
}

}  // namespace

class LiveFeed::Watcher final : public ListNode {
 public:
  Watcher(io::Engine& engine, std::unique_ptr<io::Stream> stream_value, io::StopSource* parent)
      : stream(std::move(stream_value)), group(engine, parent) {
    rest();
  }

  // In place of one that still waits.
  void show(std::shared_ptr<const std::string> frame) {
    if (closing) return;
    next = std::move(frame);
    woken->request_stop();
  }
  void say(Opcode opcode, BytesView payload) {
    if (closing) return;
    // The last ping is the one to be answered (RFC 6455 section 5.5.3).
    control.clear();
    websocket::append_frame(control, opcode, payload);
    woken->request_stop();
  }
  void close(BytesView payload) {
    say(Opcode::close, payload);
    next.reset();
    closing = true;
    woken->request_stop();
  }
  void rest() { woken = std::make_unique<io::StopSource>(&group.stop_source()); }

  std::unique_ptr<io::Stream> stream;
  io::TaskGroup group;
  std::unique_ptr<io::StopSource> woken;  // requested when there is something to write
  std::shared_ptr<const std::string> next;
  std::string control;
  bool closing = false;
};

std::shared_ptr<const std::string> LiveFeed::picture() const {
  auto frame = std::make_shared<std::string>();
  websocket::append_frame(*frame, Opcode::text, live_picture(observed_, engine_.wall()));
  return frame;
}

io::Task<> LiveFeed::watch(std::unique_ptr<io::Stream> stream, const MessageHead& head, std::string unread) {
  if (ended_) co_return;
  Watcher watcher(engine_, std::move(stream), &tasks_.stop_source());
  watchers_.push_back(watcher);
  ++watchers_count_;
  const std::string answer = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n\r\n",
      websocket::accept_for(head.find(FieldId::sec_websocket_key).value_or("")));
  if (co_await watcher.stream->send(answer, engine_.in(write_timeout, watcher.group.stop_source()))) {
    watcher.show(picture());
    if (!std::exchange(showing_, true)) tasks_.spawn(show_pictures());
    watcher.group.spawn(write_to(watcher));
    co_await listen_to(watcher, std::move(unread));
  }
  watcher.close({});
  co_await watcher.group.join();
  watcher.unlink();
  --watchers_count_;
}

io::Task<> LiveFeed::show_pictures() {
  while (!watchers_.empty() && co_await engine_.sleep(engine_.in(interval, tasks_.stop_source()))) {
    if (watchers_.empty()) break;
    const auto frame = picture();
    watchers_.for_each([&](Watcher& watcher) { watcher.show(frame); });
  }
  showing_ = false;
}

io::Task<> LiveFeed::write_to(Watcher& watcher) {
  for (;;) {
    if (watcher.control.empty() && !watcher.next) {
      if (watcher.closing || watcher.group.stop_source().requested()) break;
      watcher.rest();
      (void)co_await engine_.sleep({never, watcher.woken.get()});
      continue;
    }
    // The control frame first: it stands between messages.
    const std::string control = std::exchange(watcher.control, {});
    const auto frame = std::exchange(watcher.next, nullptr);
    const io::Wait wait = engine_.in(write_timeout, watcher.group.stop_source());
    if (!control.empty() && !co_await watcher.stream->send(control, wait)) co_return watcher.group.stop();
    if (frame && !co_await watcher.stream->send(*frame, wait)) co_return watcher.group.stop();
  }
  (void)co_await watcher.stream->finish({}, engine_.in(goodbye_timeout, watcher.group.stop_source()));
}

io::Task<> LiveFeed::listen_to(Watcher& watcher, std::string unread) {
  websocket::FrameReader reader(message_bytes_max);
  reader.feed(unread);
  for (;;) {
    const auto frame = reader.next();
    if (!frame) {
      const auto code = static_cast<std::uint16_t>(frame.error().status);
      watcher.close(websocket::close_payload(code, frame.error().what));
      co_return co_await ignore(watcher);
    }
    if (*frame) {
      if ((*frame)->opcode == Opcode::ping) watcher.say(Opcode::pong, (*frame)->payload);
      if ((*frame)->opcode == Opcode::close) co_return watcher.close(answer_to_close((*frame)->payload));
      continue;
    }
    const auto got = co_await watcher.stream->receive({never, &watcher.group.stop_source()});
    if (!got || got->empty()) co_return;
    reader.feed(*got);
  }
}

// Who is still sending sees our Close only if the connection is not reset meanwhile.
io::Task<> LiveFeed::ignore(Watcher& watcher) {
  const io::Wait wait = engine_.in(goodbye_timeout, watcher.group.stop_source());
  for (std::size_t left = ignored_bytes_max; left > 0;) {
    const auto got = co_await watcher.stream->receive(wait);
    if (!got || got->empty()) co_return;
    left -= std::min(left, got->size());
  }
}

void LiveFeed::end(std::string_view why) {
  if (std::exchange(ended_, true) || watchers_.empty()) return;
  constexpr std::uint16_t service_restart = 1012;
  const std::string payload = websocket::close_payload(service_restart, why);
  watchers_.for_each([&](Watcher& watcher) { watcher.close(payload); });
  tasks_.spawn(leave_in_time());
}

io::Task<> LiveFeed::leave_in_time() {
  const TimePoint end = engine_.now() + goodbye_timeout;
  while (!watchers_.empty() && engine_.now() < end) {
    constexpr std::chrono::milliseconds look_again{20};
    if (!co_await engine_.sleep(engine_.in(look_again, tasks_.stop_source()))) break;
  }
  tasks_.stop();
}

io::Task<> LiveFeed::stop() {
  ended_ = true;
  tasks_.stop();
  co_await tasks_.join();
}

}  // namespace passerelle::admin
