// A tunnel on its way to another process: all that it is but its two descriptors.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "base/binary.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "model/keepers.h"
#include "proxy/tunnel_direction.h"
#include "telemetry/tunnel_end.h"

namespace passerelle::proxy {

// A value. Times are of the machine's monotonic clock, which all its processes share.
struct MovedTunnel {
  // Where it came from, by names that mean the same to any process.
  struct Route {
    std::string resource_id, listener, rule, pool, settings;
    model::Keepers keepers;
    friend auto operator<=>(const Route&, const Route&) = default;
  };
  struct Member {
    std::string name, endpoint, settings;
    bool tls = false;
    friend auto operator<=>(const Member&, const Member&) = default;
  };
  Route route;
  Member member;
  std::array<char, 16> trace_id{};
  IpAddress client_ip;
  std::uint16_t client_port = 0;
  std::uint32_t idle_seconds_max = 0;
  bool only_backend_counts = false;
  TimePoint opened{};
  TimePoint silent_since{};  // where silence has a limit
  telemetry::TunnelEnd end = telemetry::TunnelEnd::none;
  std::array<bool, tunnel_sides> ended{};  // sides that have ended their stream
  std::array<TunnelDirection, tunnel_sides> directions;
  std::array<std::string, tunnel_sides> unsent;  // received from that side and counted, not yet sent on

  std::string keeper;  // what the keeper knows, where there is one

  void save(BinaryWriter& out) const;
  // What reader.ok() denies means nothing.
  [[nodiscard]] static MovedTunnel restored(BinaryReader& in);
};

}  // namespace passerelle::proxy
