#include "io/operation.h"

#include "io/engine.h"

namespace passerelle::io {

void Operation::arm(Engine& engine, const Wait& wait) {
  engine_ = &engine;
  if (wait.stop != nullptr) wait.stop->add(*this);
  if (wait.deadline != never) engine.timers().arm(*this, wait.deadline);
}

void Operation::complete_now() {
  StopHook::unlink();
  Timer::disarm();
  resume_(context_);
}

void Operation::complete_soon() {
  StopHook::unlink();
  Timer::disarm();
  engine_->run_soon(*this);
}

}  // namespace passerelle::io
