// Why tunnels end, in the words of the log and the metrics.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace passerelle::telemetry {

// Why a tunnel ended: the first thing that happened.
enum class TunnelEnd : std::uint8_t {
  none,
  client_closed,  // a Close frame, from this side first
  backend_closed,
  client_ended,  // the end of the stream without a Close frame
  backend_ended,
  client_reset,
  backend_reset,
  dead_peer,        // TCP keep-alive had no answer
  idle,             // tunnelIdleTimeout, or requestTimeout when it limits tunnels
  half_closed,      // one side ended, the other said nothing for half_closed_timeout
  unhealthy,        // the member turned unhealthy and the local file asks for it
  limit,            // one of its listener's limits was passed; the close reason says which
  operator_closed,  // somebody asked the admin listener to
  member_left,      // a configuration without its member came into force, and the drain time is over
  update,           // a configuration came into force and the local file asks for Azure's way
  stopped,          // somebody stopped or deleted the gateway over the REST API
  shutdown,         // the process stopped
  superseded,       // it stayed in a process that was replaced twice (an upgrade after the upgrade)
  tls,              // a TLS alert, or a record that cannot be read
  failed,           // the system
};
inline constexpr std::size_t tunnel_ends = static_cast<std::size_t>(TunnelEnd::failed) + 1;
[[nodiscard]] std::string_view to_string(TunnelEnd end);

}  // namespace passerelle::telemetry
