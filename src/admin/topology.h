// The gateway as a drawing needs it: what leads where. And its certificates.
#pragma once

#include <string>
#include <vector>

#include "admin/ready_report.h"
#include "model/gateway.h"

namespace passerelle::admin {

// JSON: {"gateway", "resourceId", "changeable", "listeners": [...], "rules": [...], "pools": [...]}.
// `changeable`: the REST API has the configuration, rather than the templates of the command line.
[[nodiscard]] std::string topology(const model::Gateway& gateway, const std::vector<ListenerAddresses>& open,
                                   bool changeable);

// JSON: {"certificates": [...]}: when each ends, and which listeners have it.
[[nodiscard]] std::string certificates(const model::Gateway& gateway);

}  // namespace passerelle::admin
