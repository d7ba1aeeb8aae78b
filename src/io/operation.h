// A pending leaf operation: what a coroutine suspends on. It lives in the awaiting frame and never moves.
#pragma once

#include <coroutine>

#include "base/error.h"
#include "io/timer_queue.h"
#include "io/wait.h"

namespace passerelle::io {

class Engine;

// Something to run once, soon, on the engine's thread. Intrusive: queueing it allocates nothing.
class Ready : public ListNode {
 public:
  virtual void run() = 0;

 protected:
  ~Ready() = default;
};

// The engine owns the record until it completes it: by `complete_now` from its own loop, or by
// `complete_soon` from anywhere else (a cancel runs on somebody else's stack). After that the frame may be
// gone.
class Operation : private StopHook, private Timer, private Ready {
 public:
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  void resume_with(std::coroutine_handle<> waiter) {
    resume_ = [](void* frame) { std::coroutine_handle<>::from_address(frame).resume(); };
    context_ = waiter.address();
  }
  // For streams over streams, which wait below without a coroutine of their own.
  void resume_with(void (*function)(void*), void* context) {
    resume_ = function;
    context_ = context;
  }

  // Called once the operation really waits.
  void arm(Engine& engine, const Wait& wait);
  void complete_now();
  void complete_soon();
  [[nodiscard]] Engine& engine() const { return *engine_; }

 protected:
  Operation() = default;
  ~Operation() = default;

  // Calls it off: take it back from whoever would complete it, set its result, complete_soon().
  virtual void cancel(ErrorKind why) = 0;

 private:
  void on_stop() override {
    Timer::disarm();
    cancel(ErrorKind::stopped);
  }
  void on_timer() override {
    StopHook::unlink();
    cancel(ErrorKind::timed_out);
  }
  void run() override { resume_(context_); }

  void (*resume_)(void*) = nullptr;
  void* context_ = nullptr;
  Engine* engine_ = nullptr;
};

}  // namespace passerelle::io
