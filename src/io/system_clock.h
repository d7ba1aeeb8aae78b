// The operating system's clock and randomness. Built by main.cc, handed to every engine.
#pragma once

#include "base/clock.h"
#include "base/random.h"

namespace passerelle::io {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return std::chrono::steady_clock::now(); }
  [[nodiscard]] WallTime wall() const override { return std::chrono::system_clock::now(); }
};

// getrandom(2), a page at a time: a request's trace id must not cost a system call. Fit for keys. One thread.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) override;

 private:
  char pool_[1024] = {};
  std::size_t left_ = 0;
};

}  // namespace passerelle::io
