// What a worker works by: the model, with what had to be made from it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "board/member.h"
#include "model/gateway.h"
#include "telemetry/tunnel_counters.h"
#include "tls/client_context.h"
#include "tls/server_context.h"

namespace passerelle::proxy {

using SocketId = std::uint32_t;

// What a tunnel needs of where it came from long after its configuration is gone: names for its records, and
// what its listener keeps it by.
struct RouteNames {
  std::string resource_id, listener, rule, pool, settings;
  model::Keepers keepers = {};
  std::shared_ptr<const telemetry::RouteCounters> counters = {};  // null: of no route
};

// Immutable; each worker holds one and each exchange holds it for its own time. Replaced whole.
struct Snapshot {
  std::shared_ptr<const model::Gateway> gateway;
  std::vector<std::shared_ptr<const tls::ServerContext>> contexts;         // by frontend; null for HTTP
  std::vector<std::shared_ptr<const tls::ClientContext>> client_contexts;  // by group; null: no TLS
  std::vector<std::string> authentications;  // by listener: what it demands of clients' certificates
  std::vector<board::Group> groups;          // by the model's groups
  std::vector<std::shared_ptr<const RouteNames>> names;  // by Destination::id
  RouteNames unrouted;                                   // of requests that no listener takes
  std::vector<std::optional<model::Index>> frontend_of;  // by SocketId
  std::vector<std::uint16_t> bound_ports;                // by frontend: where it really listens
};

}  // namespace passerelle::proxy
