// Time comes in through the constructor; nothing below main.cc asks the operating system for it.
#pragma once

#include <chrono>

namespace passerelle {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

inline constexpr TimePoint never = TimePoint::max();

// Two clocks: one that only goes forward, for waits; one people read, for logs and Date headers.
// Implemented by io::SystemClock and by the simulated engine.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual TimePoint now() const = 0;
  [[nodiscard]] virtual WallTime wall() const = 0;
};

}  // namespace passerelle
