// A member that has come back gets its tunnels by and by: whoever was thrown out by its end comes back all at
// once, and it is still cold.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace passerelle::policy {

inline constexpr std::chrono::seconds slow_start_time{10};

// Whether it may have one more, having been given `taken` since it came back. A few at once are nothing to
// it; then more from second to second.
[[nodiscard]] inline bool is_warm_enough(Duration since_return, std::uint32_t taken) {
  if (since_return >= slow_start_time) return true;
  constexpr double at_once = 16;
  const double seconds = std::chrono::duration<double>(since_return).count();
  return taken < at_once * (1 + seconds + seconds * seconds);
}

}  // namespace passerelle::policy
