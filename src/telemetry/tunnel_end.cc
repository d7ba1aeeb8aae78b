#include "telemetry/tunnel_end.h"

namespace passerelle::telemetry {

std::string_view to_string(TunnelEnd end) {
  switch (end) {
    case TunnelEnd::none: return "open";
    case TunnelEnd::client_closed: return "client closed";
    case TunnelEnd::backend_closed: return "backend closed";
    case TunnelEnd::client_ended: return "client ended without a close frame";
    case TunnelEnd::backend_ended: return "backend ended without a close frame";
    case TunnelEnd::client_reset: return "client reset";
    case TunnelEnd::backend_reset: return "backend reset";
    case TunnelEnd::dead_peer: return "dead peer";
    case TunnelEnd::idle: return "idle timeout";
    case TunnelEnd::half_closed: return "half closed";
    case TunnelEnd::unhealthy: return "member unhealthy";
    case TunnelEnd::stopped: return "gateway stopped";
    case TunnelEnd::shutdown: return "gateway shutdown";
    case TunnelEnd::limit: return "limit";
    case TunnelEnd::operator_closed: return "closed by the operator";
    case TunnelEnd::member_left: return "drained: member left";
    case TunnelEnd::update: return "drained: configuration update";
    case TunnelEnd::superseded: return "gateway upgrade";
    case TunnelEnd::tls: return "TLS failure";
    case TunnelEnd::failed: return "failure";
  }
  return "failure";
}

}  // namespace passerelle::telemetry
