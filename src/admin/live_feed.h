// What goes on, once a second, to everybody who watches: GET /api/v1/live, by WebSocket (RFC 6455).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "admin/observed.h"
#include "base/intrusive_list.h"
#include "io/engine.h"
#include "io/stream.h"
#include "io/task_group.h"
#include "protocol/message_head.h"

namespace passerelle::admin {

// A resource on the control plane's engine; end() it, and co_await stop(), before it goes. The picture of a
// second is made once, whoever watches; without anybody none is made. Who reads slowly misses pictures, who
// does not read at all is shown out.
class LiveFeed {
 public:
  static constexpr std::size_t watchers_max = 64;

  LiveFeed(io::Engine& engine, const Observed& observed)
      : engine_(engine), observed_(observed), tasks_(engine) {}

  [[nodiscard]] bool is_full() const { return watchers_count_ >= watchers_max; }
  // A handshake that was let in: until its end.
  [[nodiscard]] io::Task<> watch(std::unique_ptr<io::Stream> stream, const MessageHead& head,
                                 std::string unread);
  // Everybody gets a Close with this reason, and a second for an answer.
  void end(std::string_view why);
  // Once nobody watches any more.
  [[nodiscard]] io::Task<> stop();

 private:
  class Watcher;
  io::Task<> show_pictures();
  io::Task<> leave_in_time();
  io::Task<> write_to(Watcher& watcher);
  io::Task<> listen_to(Watcher& watcher, std::string unread);
  io::Task<> ignore(Watcher& watcher);
  [[nodiscard]] std::shared_ptr<const std::string> picture() const;

  io::Engine& engine_;
  const Observed& observed_;
  io::TaskGroup tasks_;
  IntrusiveList<Watcher> watchers_;
  std::size_t watchers_count_ = 0;
  bool showing_ = false;
  bool ended_ = false;
};

}  // namespace passerelle::admin
