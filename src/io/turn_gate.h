// Lets so many through in a turn of the loop: work that cannot be cut into pieces, and that many ask for at
// once, leaves room for everybody else in between.
#pragma once

#include <coroutine>
#include <cstddef>
#include <utility>

#include "io/engine.h"

namespace passerelle::io {

// A resource on its engine's thread; whoever waits is let through before it goes. First come, first served.
class TurnGate final : private Ready {
 public:
  TurnGate(Engine& engine, std::size_t a_turn) : engine_(engine), a_turn_(a_turn) {}

  // False: wait().
  [[nodiscard]] bool try_pass() {
    if (waiting_ > 0 || passed_ >= a_turn_) return false;
    ++passed_;
    engine_.run_soon(*this);
    return true;
  }
  // co_await gate.wait(): until it is its turn.
  [[nodiscard]] auto wait() { return Waiting(*this); }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }

 private:
  class Waiting final : public ListNode {
   public:
    explicit Waiting(TurnGate& gate) : gate_(gate) {}
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      gate_.queue_.push_back(*this);
      ++gate_.waiting_;
      gate_.engine_.run_soon(gate_);
    }
    void await_resume() const {}

   private:
    friend class TurnGate;
    TurnGate& gate_;
    std::coroutine_handle<> waiter_ = nullptr;
  };

  // A new turn.
  void run() override {
    passed_ = 0;
    while (passed_ < a_turn_ && !queue_.empty()) {
      ++passed_;
      --waiting_;
      queue_.pop_front().waiter_.resume();
    }
    if (passed_ > 0) engine_.run_soon(*this);
  }

  Engine& engine_;
  const std::size_t a_turn_;
  IntrusiveList<Waiting> queue_;
  std::size_t waiting_ = 0;
  std::size_t passed_ = 0;
};

}  // namespace passerelle::io
