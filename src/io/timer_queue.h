// Deadlines: an intrusive four-ary heap. Arming and disarming allocate nothing once the heap has grown.
#pragma once

#include <cstddef>
#include <vector>

#include "base/clock.h"

namespace passerelle::io {

// A deadline that is waited for. Disarms itself when it goes. Engine's thread.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  virtual void on_timer() = 0;
  [[nodiscard]] bool armed() const { return queue_ != nullptr; }
  inline void disarm();

 protected:
  ~Timer() { disarm(); }

 private:
  friend class TimerQueue;
  class TimerQueue* queue_ = nullptr;
  std::size_t place_ = 0;
};

class TimerQueue {
 public:
  void arm(Timer& timer, TimePoint deadline);
  void disarm(Timer& timer);

  [[nodiscard]] bool empty() const { return heap_.empty(); }
  [[nodiscard]] TimePoint next() const { return heap_.empty() ? never : heap_.front().deadline; }

  // Fires every timer due at `now`; a timer armed meanwhile for the past waits for the next call.
  void fire(TimePoint now);

 private:
  // The deadline beside the timer: to compare two, neither is looked at.
  struct Entry {
    TimePoint deadline;
    Timer* timer;
  };
  // Both find the place of an entry that was taken out of `place`, or is new there.
  void up(std::size_t place, Entry entry);
  void down(std::size_t place, Entry entry);
  void put(std::size_t place, Entry entry) {
    heap_[place] = entry;
    entry.timer->place_ = place;
  }
  std::vector<Entry> heap_;
};

inline void Timer::disarm() {
  if (queue_ != nullptr) queue_->disarm(*this);
}

}  // namespace passerelle::io
