// Where a request goes: the listener by its host, the rule, the path rule, and what they lead to. Live
// traffic and `explain` both ask here. Source: behaviour sheet, sections 2.3 and 5.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/gateway.h"

namespace passerelle::policy {

// What routing looks at. Views outlive the call.
struct RouteRequest {
  std::string_view host;  // without the port
  std::string_view path;  // as sent, without the query
};

// Points into the gateway. No listener: nobody is here for this host (404). No destination: the listener has
// no rule.
struct Route {
  const model::Listener* listener = nullptr;
  const model::Rule* rule = nullptr;
  const model::PathRule* path_rule = nullptr;  // null: a basic rule, or the map's default
  const model::Destination* to = nullptr;
};

// Who was asked and did not take it.
struct Considered {
  const model::Listener* listener = nullptr;
  const model::Rule* rule = nullptr;
  const model::PathRule* path_rule = nullptr;
  std::string reason;
};

// `considered`, where given, gets everything that was passed over, in order; without it nothing is allocated.
[[nodiscard]] Route route(const model::Gateway& gateway, model::Index frontend, const RouteRequest& request,
                          std::vector<Considered>* considered = nullptr);

// The same rule's path map once more, by a rewritten path.
void route_again(Route& route, std::string_view path, std::vector<Considered>* considered = nullptr);

}  // namespace passerelle::policy
