// One task tells another that there is something to do.
#pragma once

#include <coroutine>
#include <utility>

#include "io/engine.h"

namespace passerelle::io {

// A resource on its engine's thread, with one waiter. Nothing told while nobody waits is lost: the next wait
// ends at once. Its owner sees to it that a waiter is told of the end, too.
class Signal final : private Ready {
 public:
  explicit Signal(Engine& engine) : engine_(engine) {}

  void notify() {
    told_ = true;
    if (waiter_) engine_.run_soon(*this);
  }

  // co_await signal.wait(): until notify().
  [[nodiscard]] auto wait() {
    struct Wait {
      Signal& signal;
      [[nodiscard]] bool await_ready() const { return signal.told_; }
      void await_suspend(std::coroutine_handle<> waiter) {
        PASSERELLE_ASSERT(!signal.waiter_);
        signal.waiter_ = waiter;
      }
      void await_resume() const { signal.told_ = false; }
    };
    return Wait{*this};
  }

 private:
  void run() override {
    if (waiter_) std::exchange(waiter_, nullptr).resume();
  }

  Engine& engine_;
  std::coroutine_handle<> waiter_ = nullptr;
  bool told_ = false;
};

}  // namespace passerelle::io
