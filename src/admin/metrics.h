// The counters as Prometheus text.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "board/member.h"
#include "model/gateway.h"
#include "telemetry/tunnel_counters.h"

namespace passerelle::admin {

// What is measured, by worker where one counts for itself.
struct Measured {
  std::shared_ptr<const model::Gateway> gateway;
  std::vector<board::Group> groups;
  std::vector<const telemetry::Counters*> workers;
  std::vector<const telemetry::TunnelFrames*> tunnel_frames;
  std::vector<std::shared_ptr<const telemetry::RouteCounters>> routes;
  std::uint64_t configuration_version = 0;
};

[[nodiscard]] std::string metrics_text(const Measured& seen);

}  // namespace passerelle::admin
