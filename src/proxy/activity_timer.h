// A timeout that counts from the last sign of life: noting one is a store, not a timer.
#pragma once

#include "io/engine.h"

namespace passerelle::proxy {

// A resource beside what it watches.
class ActivityTimer : private io::Timer {
 public:
  explicit ActivityTimer(io::Engine& engine) : engine_(engine) {}
  virtual ~ActivityTimer() = default;

  void start(Duration limit) { start(limit, engine_.now()); }
  // As if the last sign of life had been then.
  void start(Duration limit, TimePoint last) {
    limit_ = limit;
    last_ = last;
    engine_.timers().arm(*this, last_ + limit_);
  }
  void cancel() { disarm(); }
  void touch() { last_ = engine_.now(); }
  // While anybody has paused it no time passes: somebody else is waited for.
  void pause() { ++pauses_; }
  void resume() {
    --pauses_;
    touch();
  }
  [[nodiscard]] bool ran_out() const { return ran_out_; }
  [[nodiscard]] TimePoint last() const { return last_; }

 private:
  virtual void on_silence() = 0;
  void on_timer() final {
    if (pauses_ > 0) touch();
    if (last_ + limit_ > engine_.now()) return engine_.timers().arm(*this, last_ + limit_);
    ran_out_ = true;
    on_silence();
  }
  io::Engine& engine_;
  Duration limit_{};
  TimePoint last_{};
  std::uint8_t pauses_ = 0;
  bool ran_out_ = false;
};

// Stops the given source when it runs out.
class StopAfterSilence final : public ActivityTimer {
 public:
  StopAfterSilence(io::Engine& engine, io::StopSource& stop) : ActivityTimer(engine), stop_(stop) {}

 private:
  void on_silence() override { stop_.request_stop(); }
  io::StopSource& stop_;
};

}  // namespace passerelle::proxy
