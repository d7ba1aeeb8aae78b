#include "io/timer_queue.h"

#include <algorithm>

namespace passerelle::io {

void TimerQueue::arm(Timer& timer, TimePoint deadline) {
  timer.disarm();
  timer.queue_ = this;
  heap_.emplace_back();
  up(heap_.size() - 1, {deadline, &timer});
}

void TimerQueue::disarm(Timer& timer) {
  const std::size_t place = timer.place_;
  timer.queue_ = nullptr;
  const Entry last = heap_.back();
  heap_.pop_back();
  if (last.timer == &timer) return;
  if (place > 0 && last.deadline < heap_[(place - 1) / 4].deadline)
    up(place, last);
  else
    down(place, last);
}

void TimerQueue::fire(TimePoint now) {
  for (std::size_t due = heap_.size(); due > 0 && !heap_.empty() && heap_.front().deadline <= now; --due) {
    Timer* timer = heap_.front().timer;
    disarm(*timer);
    timer->on_timer();
  }
}

void TimerQueue::up(std::size_t place, Entry entry) {
  while (place > 0) {
    const std::size_t parent = (place - 1) / 4;
    if (heap_[parent].deadline <= entry.deadline) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerQueue::down(std::size_t place, Entry entry) {
  for (;;) {
    const std::size_t first = place * 4 + 1;
    if (first >= heap_.size()) break;
    const std::size_t last = std::min(first + 4, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child) {
      if (heap_[child].deadline < heap_[least].deadline) least = child;
    }
    if (entry.deadline <= heap_[least].deadline) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, entry);
}

}  // namespace passerelle::io
