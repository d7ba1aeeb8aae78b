#include "io/epoll_engine.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace passerelle::io {

EpollEngine::EpollEngine(Clock& clock, Random& random)
    : SocketEngine(clock, random), events_(new epoll_event[events_max]) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_descriptor(), &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
}

EpollEngine::~EpollEngine() { ::close(epoll_); }

void EpollEngine::wait_and_tell(Duration at_most) {
  const auto milliseconds =
      at_most == Duration::max() ? -1 : std::chrono::ceil<std::chrono::milliseconds>(at_most).count();
  const int timeout_ms = static_cast<int>(std::min<std::int64_t>(milliseconds, 3'600'000));
  events_count_ = std::max(0, epoll_wait(epoll_, events_.get(), static_cast<int>(events_max), timeout_ms));
  update_now();
  for (events_next_ = 0; events_next_ < events_count_;) {
    const epoll_event& event = events_[static_cast<std::size_t>(events_next_++)];
    if (event.data.ptr == nullptr) {
      if (event.events != 0) woken();
      continue;
    }
    new_turn();
    static_cast<EventTarget*>(event.data.ptr)->on_events(event.events);
  }
  events_count_ = events_next_ = 0;
}

bool EpollEngine::add(int descriptor, EventTarget& target, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void EpollEngine::suspend(int descriptor) { epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

bool EpollEngine::has_news_for(const EventTarget& target) {
  const epoll_event* const events = events_.get();
  return std::any_of(events + events_next_, events + events_count_,
                     [&](const epoll_event& event) { return event.data.ptr == &target; });
}

void EpollEngine::remove(int descriptor, const EventTarget& target) {
  for (int i = events_next_; i < events_count_; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &target) event = {};
  }
  if (shared_descriptors_) suspend(descriptor);
  ::close(descriptor);
}

}  // namespace passerelle::io
