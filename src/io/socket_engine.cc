#include "io/socket_engine.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "io/socket_listener.h"
#include "io/socket_stream.h"

namespace passerelle::io {

SocketEngine::SocketEngine(Clock& clock, Random& random)
    : Engine(clock, random), receive_buffer_(new char[receive_buffer_bytes]) {
  wake_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wake_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
}

SocketEngine::~SocketEngine() { ::close(wake_); }

void SocketEngine::run() {
  while (!stopping_.load(std::memory_order_relaxed)) {
    run_ready();
    const TimePoint next = timers_.next();
    wait_and_tell(!ready_.empty() ? Duration::zero()
                  : next == never ? Duration::max()
                                  : std::max(Duration::zero(), next - clock_.now()));
    new_turn();
    run_posted();
    timers_.fire(now_);
  }
  finish_turn();
  stopping_ = false;
}

void SocketEngine::stop() {
  stopping_ = true;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void SocketEngine::post(std::function<void()> function) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(function));
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void SocketEngine::run_posted() {
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

const Pipe* SocketEngine::pipe() {
  if (!pipe_) pipe_.emplace();
  return pipe_->is_open() ? &*pipe_ : nullptr;
}

Result<std::unique_ptr<Listener>> SocketEngine::listen(const Endpoint& endpoint,
                                                       const ListenOptions& options) {
  return SocketListener::open(*this, endpoint, options);
}

Result<std::unique_ptr<Listener>> SocketEngine::adopt_listener(int descriptor, const ListenOptions& options) {
  return SocketListener::adopt(*this, descriptor, options);
}

std::unique_ptr<SocketStream> SocketEngine::make_stream(int descriptor) {
  return std::make_unique<SocketStream>(*this, descriptor);
}

Result<std::unique_ptr<Stream>> SocketEngine::adopt_stream(int descriptor) {
  return SocketStream::adopt(*this, descriptor);
}

bool SocketEngine::try_connect(ConnectOperation& operation) {
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

void SocketEngine::wait_connect(ConnectOperation& operation) {
  static_cast<SocketStream*>(operation.record)->wait_connected(operation);
}

void SocketEngine::cancel_connect(ConnectOperation& operation) {
  const std::unique_ptr<SocketStream> abandoned(
      static_cast<SocketStream*>(std::exchange(operation.record, nullptr)));
  operation.complete_soon();
}

}  // namespace passerelle::io
