#include "io/background.h"

#include <sys/resource.h>
#include <unistd.h>

#include "base/thread_name.h"

namespace passerelle::io {
namespace {

constexpr int lowest_priority = 19;

}  // namespace

Background::~Background() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void Background::add(Turn& turn, std::coroutine_handle<> waiter) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({&turn, waiter});
  }
  wake_.notify_one();
}

void Background::work() {
  name_this_thread("background");
  // Of this thread alone, on Linux; where it may not be, it works as it is.
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), lowest_priority);
  for (;;) {
    Waiting next{};
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      next = waiting_.front();
      waiting_.pop_front();
    }
    next.turn->job();
    engine_.post([waiter = next.waiter] { waiter.resume(); });
  }
}

}  // namespace passerelle::io
