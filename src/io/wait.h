// How long an operation may wait, and who may call it off.
#pragma once

#include <utility>

#include "base/clock.h"
#include "base/intrusive_list.h"

namespace passerelle::io {

// Something that wants to hear of a stop. One thread: the engine's.
class StopHook : public ListNode {
 public:
  virtual void on_stop() = 0;

 protected:
  ~StopHook() = default;
};

// The stop of a group of tasks: once requested, stays so. A child hears its parent. Lives on one engine's
// thread; must outlive every operation that waits under it.
class StopSource final : private StopHook {
 public:
  explicit StopSource(StopSource* parent = nullptr) {
    if (parent == nullptr) return;
    if (parent->requested_)
      requested_ = true;
    else
      parent->hooks_.push_back(*this);
  }

  void request_stop() {
    if (std::exchange(requested_, true)) return;
    while (!hooks_.empty()) hooks_.pop_front().on_stop();
  }
  [[nodiscard]] bool requested() const { return requested_; }
  void add(StopHook& hook) { hooks_.push_back(hook); }

 private:
  void on_stop() override { request_stop(); }
  IntrusiveList<StopHook> hooks_;
  bool requested_ = false;
};

// A value: passed to every leaf operation. An operation with no deadline costs no timer.
struct Wait {
  TimePoint deadline = never;
  StopSource* stop = nullptr;
};

}  // namespace passerelle::io
