#include "telemetry/line_sink.h"

#include "base/thread_name.h"

namespace passerelle::telemetry {

LineSink::LineSink(std::unique_ptr<LineTarget> target, bool gathers)
    : target_(std::move(target)), gathers_(gathers), thread_([this] { run(); }) {}

LineSink::~LineSink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void LineSink::write(std::string_view lines) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + lines.size() > buffered_bytes_max) {
      ++dropped_;
      return;
    }
    first = pending_.empty();
    pending_ += lines;
  }
  if (first) wake_.notify_one();
}

void LineSink::run() {
  name_this_thread("log writer");
  std::string writing;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
      if (pending_.empty()) return;
      // Nobody notifies meanwhile but the end: what is pending is no longer empty.
      if (gathers_) wake_.wait_for(lock, gathering_time, [this] { return stopping_; });
      writing.clear();
      writing.swap(pending_);
    }
    if (reopen_.exchange(false)) target_->reopen();
    target_->write(writing);
  }
}

}  // namespace passerelle::telemetry
