// Live tunnels, for the admin listener: found, shown, closed.
#pragma once

#include "admin/close_request.h"
#include "admin/tunnel_query.h"
#include "control/behaviour.h"
#include "proxy/data_plane.h"

namespace passerelle::program {

[[nodiscard]] admin::TunnelPage find_tunnels(proxy::DataPlane& data_plane, const admin::TunnelQuery& query);
[[nodiscard]] std::vector<control::MemberTunnels> tunnels_by_member(proxy::DataPlane& data_plane);
// The newest first.
[[nodiscard]] std::vector<telemetry::EndedTunnel> ended_tunnels(proxy::DataPlane& data_plane);
// False: there is none with that id.
bool close_tunnel(proxy::DataPlane& data_plane, const admin::CloseRequest& request);

}  // namespace passerelle::program
