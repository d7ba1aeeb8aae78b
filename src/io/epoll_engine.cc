#include "io/epoll_engine.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "io/socket_listener.h"
#include "io/socket_stream.h"

namespace passerelle::io {

EpollEngine::EpollEngine(Clock& clock, Random& random)
    : Engine(clock, random),
      receive_buffer_(new char[receive_buffer_bytes]),
      events_(new epoll_event[events_max]) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    throw std::system_error(errno, std::generic_category(), "epoll");
  }
}

EpollEngine::~EpollEngine() {
  ::close(wake_);
  ::close(epoll_);
}

void EpollEngine::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    run_ready();
    wait_for_events();
    update_now();
    for (events_next_ = 0; events_next_ < events_count_;) {
      const epoll_event& event = events_[static_cast<std::size_t>(events_next_++)];
      if (event.data.ptr == nullptr) {
        if (event.events != 0) woken_ = true;
        continue;
      }
      new_turn();
      static_cast<EventTarget*>(event.data.ptr)->on_events(event.events);
    }
    events_count_ = events_next_ = 0;
    new_turn();
    run_posted();
    timers_.fire(now_);
  }
  stopping_ = false;
}

void EpollEngine::wait_for_events() {
  int timeout_ms = -1;
  if (!ready_.empty()) {
    timeout_ms = 0;
  } else if (const TimePoint next = timers_.next(); next != never) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - clock_.now()).count();
    timeout_ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
  }
  events_count_ = std::max(0, epoll_wait(epoll_, events_.get(), static_cast<int>(events_max), timeout_ms));
}

void EpollEngine::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void EpollEngine::post(std::function<void()> function) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(function));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void EpollEngine::run_posted() {
  // The wake-up is taken before what it announced: one that comes in between then only finds nothing to do.
  if (woken_) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(wake_, &count, sizeof count);
    woken_ = false;
  }
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    if (posted_.empty()) return;
    posted.swap(posted_);
  }
  for (auto& function : posted) function();
}

bool EpollEngine::add(int descriptor, EventTarget& target, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &target;
  return epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

void EpollEngine::suspend(int descriptor) { epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr); }

const Pipe* EpollEngine::pipe() {
  if (!pipe_) pipe_.emplace();
  return pipe_->is_open() ? &*pipe_ : nullptr;
}

bool EpollEngine::has_news_for(const EventTarget& target) const {
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

Result<std::unique_ptr<Listener>> EpollEngine::listen(const Endpoint& endpoint,
                                                      const ListenOptions& options) {
  return SocketListener::open(*this, endpoint, options);
}

Result<std::unique_ptr<Listener>> EpollEngine::adopt_listener(int descriptor, const ListenOptions& options) {
  return SocketListener::adopt(*this, descriptor, options);
}

Result<std::unique_ptr<Stream>> EpollEngine::adopt_stream(int descriptor) {
  return SocketStream::adopt(*this, descriptor);
}

bool EpollEngine::try_connect(ConnectOperation& operation) {
  auto started = SocketStream::start_connect(*this, operation.endpoint);
  if (!started) {
    operation.result.emplace(std::unexpected(started.error()));
    return true;
  }
  if (!(*started)->connecting()) {
    operation.result.emplace(std::move(*started));
    return true;
  }
  operation.record = started->release();
  return false;
}

void EpollEngine::wait_connect(ConnectOperation& operation) {
  static_cast<SocketStream*>(operation.record)->wait_connected(operation);
}

void EpollEngine::cancel_connect(ConnectOperation& operation) {
  const std::unique_ptr<SocketStream> abandoned(
      static_cast<SocketStream*>(std::exchange(operation.record, nullptr)));
  operation.complete_soon();
}

}  // namespace passerelle::io
