// How a member stands. Unknown counts as down for traffic: a member gets none before its first good probe.
#pragma once

#include <cstdint>
#include <string_view>

namespace passerelle::model {

enum class Health : std::uint8_t {
  unknown,
  up,
  down,
  draining,  // only shown: whatever its probes say, it gets nobody new
};

// Azure's vocabulary (ApplicationGatewayBackendHealthServerHealth).
[[nodiscard]] constexpr std::string_view to_string(Health health) {
  switch (health) {
    case Health::unknown: return "Unknown";
    case Health::up: return "Up";
    case Health::down: return "Down";
    case Health::draining: return "Draining";
  }
  return "Unknown";
}

}  // namespace passerelle::model
