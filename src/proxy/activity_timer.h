// A timeout that counts from the last sign of life: noting one is a store, not a timer.
#pragma once

#include "io/engine.h"

namespace passerelle::proxy {

// A resource beside what it watches. When it runs out it stops the given source, and says so.
class ActivityTimer final : private io::Timer {
 public:
  ActivityTimer(io::Engine& engine, io::StopSource& stop) : engine_(engine), stop_(stop) {}

  void start(Duration limit) {
    limit_ = limit;
    touch();
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

 private:
  void on_timer() override {
    if (pauses_ > 0) touch();
    if (last_ + limit_ > engine_.now()) return engine_.timers().arm(*this, last_ + limit_);
    ran_out_ = true;
    stop_.request_stop();
  }
  io::Engine& engine_;
  io::StopSource& stop_;
  Duration limit_{};
  TimePoint last_{};
  std::uint8_t pauses_ = 0;
  bool ran_out_ = false;
};

}  // namespace passerelle::proxy
