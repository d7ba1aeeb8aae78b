// What `run` prints under its ready line: for people, so that the first question is answered before it is
// asked.
#pragma once

#include <string>
#include <vector>

#include "board/member.h"
#include "model/gateway.h"

namespace passerelle::admin {

// A listener with the addresses it is really bound to.
struct ListenerAddresses {
  std::string listener;
  std::vector<Endpoint> addresses;
};

[[nodiscard]] std::string ready_report(const model::Gateway& gateway, const std::vector<board::Group>& groups,
                                       const std::vector<ListenerAddresses>& listeners);

}  // namespace passerelle::admin
