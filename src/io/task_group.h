// Tasks that run side by side, with a parent that waits for them.
#pragma once

#include <coroutine>
#include <cstddef>

#include "io/engine.h"
#include "io/task.h"
#include "io/wait.h"

namespace passerelle::io {

// A resource on its engine's thread. Before it goes, stop() and `co_await join()`.
class TaskGroup final : private Ready {
 public:
  explicit TaskGroup(Engine& engine, StopSource* parent = nullptr) : stop_(parent), engine_(engine) {}

  // Starts the task now, on the caller's stack, until it first waits.
  void spawn(Task<> task) {
    ++running_;
    run_root(std::move(task), *this);
  }

  // Something that is no task, and that join() waits for as well: enters, and leaves once.
  void enter() { ++running_; }
  void leave() { finished(); }

  // Asks every operation under this group to end; tasks then unwind on their own.
  void stop() { stop_.request_stop(); }
  [[nodiscard]] StopSource& stop_source() { return stop_; }
  [[nodiscard]] std::size_t running() const { return running_; }

  // co_await group.join(): until no task runs.
  [[nodiscard]] auto join() {
    struct Join {
      TaskGroup& group;
      [[nodiscard]] bool await_ready() const { return group.running_ == 0; }
      void await_suspend(std::coroutine_handle<> waiter) {
        PASSERELLE_ASSERT(!group.waiter_);  // one parent
        group.waiter_ = waiter;
      }
      void await_resume() const {}
    };
    return Join{*this};
  }

 private:
  // The root of a spawned task: owns it, and frees itself at its end.
  struct Root {
    struct promise_type {
      static void* operator new(std::size_t size) { return allocate_frame(size); }
      static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }
      [[nodiscard]] Root get_return_object() const { return {}; }
      [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
      [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
      [[noreturn]] void unhandled_exception() const noexcept { std::terminate(); }
      void return_void() const noexcept {}
    };
  };
  static Root run_root(Task<> task, TaskGroup& group) {
    {
      co_await std::move(task);
    }
    group.finished();
  }
  void finished() {
    // Through the ready queue: the task's frame is still on the stack here.
    if (--running_ == 0 && waiter_) engine_.run_soon(*this);
  }
  void run() override {
    if (running_ == 0 && waiter_) std::exchange(waiter_, nullptr).resume();
  }

  StopSource stop_;
  Engine& engine_;
  std::size_t running_ = 0;
  std::coroutine_handle<> waiter_ = nullptr;
};

}  // namespace passerelle::io
