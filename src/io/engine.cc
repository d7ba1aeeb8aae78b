#include "io/engine.h"

namespace passerelle::io {
namespace {

bool stopped(const Wait& wait) { return wait.stop != nullptr && wait.stop->requested(); }

}  // namespace

bool ReceiveOperation::await_ready() {
  if (stopped(wait_)) {
    result = fail(ErrorKind::stopped);
    return true;
  }
  return stream_.engine().take_turn() && stream_.try_receive(result);
}

void ReceiveOperation::await_suspend(std::coroutine_handle<> waiter) {
  resume_with(waiter);
  begin_wait();
}

void ReceiveOperation::begin_wait() {
  arm(stream_.engine(), wait_);
  stream_.wait_receive(*this);
}

void ReceiveOperation::cancel(ErrorKind why) {
  result = fail(why);
  stream_.cancel_receive(*this);
}

bool SendOperation::await_ready() {
  if (stopped(wait_)) {
    result = fail(ErrorKind::stopped);
    return true;
  }
  return stream_.try_send(*this);
}

void SendOperation::await_suspend(std::coroutine_handle<> waiter) {
  resume_with(waiter);
  begin_wait();
}

void SendOperation::begin_wait() {
  arm(stream_.engine(), wait_);
  stream_.wait_send(*this);
}

void SendOperation::cancel(ErrorKind why) {
  result = fail(why);
  stream_.cancel_send(*this);
}

bool AcceptOperation::await_ready() {
  if (stopped(wait_)) {
    result = fail(ErrorKind::stopped);
    return true;
  }
  return listener_.engine().take_turn() && listener_.try_accept(*this);
}

void AcceptOperation::await_suspend(std::coroutine_handle<> waiter) {
  resume_with(waiter);
  arm(listener_.engine(), wait_);
  listener_.wait_accept(*this);
}

void AcceptOperation::cancel(ErrorKind why) {
  result = fail(why);
  listener_.cancel_accept(*this);
}

bool ConnectOperation::await_ready() {
  if (stopped(wait_)) {
    result = fail(ErrorKind::stopped);
    return true;
  }
  return engine_.try_connect(*this);
}

void ConnectOperation::await_suspend(std::coroutine_handle<> waiter) {
  resume_with(waiter);
  arm(engine_, wait_);
  engine_.wait_connect(*this);
}

void ConnectOperation::cancel(ErrorKind why) {
  result = fail(why);
  engine_.cancel_connect(*this);
}

void SleepOperation::await_suspend(std::coroutine_handle<> waiter) {
  resume_with(waiter);
  arm(engine_, wait_);
}

void SleepOperation::cancel(ErrorKind why) {
  slept_ = why == ErrorKind::timed_out;
  complete_soon();
}

void YieldOperation::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  engine_.run_soon(*this);
}

void Engine::run_ready() {
  // Only what is ready now: what these make ready waits for the next turn.
  IntrusiveList<Ready> now_ready;
  while (!ready_.empty()) now_ready.push_back(ready_.pop_front());
  while (!now_ready.empty()) {
    new_turn();
    now_ready.pop_front().run();
  }
}

}  // namespace passerelle::io
