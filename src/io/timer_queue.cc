#include "io/timer_queue.h"

#include <algorithm>

namespace passerelle::io {

void Timer::disarm() {
  if (queue_ != nullptr) queue_->disarm(*this);
}

void TimerQueue::arm(Timer& timer, TimePoint deadline) {
  timer.disarm();
  timer.deadline_ = deadline;
  timer.queue_ = this;
  heap_.push_back(&timer);
  timer.place_ = heap_.size() - 1;
  up(timer.place_);
}

void TimerQueue::disarm(Timer& timer) {
  const std::size_t place = timer.place_;
  timer.queue_ = nullptr;
  Timer* last = heap_.back();
  heap_.pop_back();
  if (last == &timer) return;
  put(place, last);
  up(place);
  down(last->place_);
}

void TimerQueue::fire(TimePoint now) {
  for (std::size_t due = heap_.size(); due > 0 && !heap_.empty() && heap_.front()->deadline_ <= now; --due) {
    Timer* timer = heap_.front();
    disarm(*timer);
    timer->on_timer();
  }
}

void TimerQueue::up(std::size_t place) {
  Timer* timer = heap_[place];
  while (place > 0) {
    const std::size_t parent = (place - 1) / 4;
    if (heap_[parent]->deadline_ <= timer->deadline_) break;
    put(place, heap_[parent]);
    place = parent;
  }
  put(place, timer);
}

void TimerQueue::down(std::size_t place) {
  Timer* timer = heap_[place];
  for (;;) {
    const std::size_t first = place * 4 + 1;
    if (first >= heap_.size()) break;
    const std::size_t last = std::min(first + 4, heap_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < last; ++child) {
      if (heap_[child]->deadline_ < heap_[least]->deadline_) least = child;
    }
    if (timer->deadline_ <= heap_[least]->deadline_) break;
    put(place, heap_[least]);
    place = least;
  }
  put(place, timer);
}

}  // namespace passerelle::io
