// The counters as Prometheus text.
#pragma once

#include <string>
#include <vector>

#include "board/member.h"
#include "model/gateway.h"
#include "telemetry/counters.h"

namespace passerelle::admin {

[[nodiscard]] std::string metrics_text(const model::Gateway& gateway, const std::vector<board::Group>& groups,
                                       const std::vector<const telemetry::Counters*>& workers,
                                       std::uint64_t configuration_version);

}  // namespace passerelle::admin
