// What the admin listener sees of the gateway and has it do; filled by program/, so that admin/ needs not
// know the data plane.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/close_request.h"
#include "admin/member_request.h"
#include "admin/ready_report.h"
#include "admin/tunnel_query.h"
#include "board/member.h"
#include "control/behaviour.h"
#include "io/task.h"
#include "model/gateway.h"
#include "telemetry/counters.h"
#include "telemetry/ended_tunnels.h"
#include "telemetry/tunnel_counters.h"

namespace passerelle::admin {

// What probing a member on demand came to.
struct ProbedMember {
  std::string name, address;
  board::ProbeReport report;
};

// What an upgrade came to: which process carries the traffic now, and the tunnels.
struct UpgradeView {
  unsigned before = 0, now = 0;
  std::size_t moved = 0, stay = 0;
};

// What draining a member came to.
struct DrainView {
  std::size_t tunnels = 0;         // that leave
  std::vector<std::string> pools;  // that have it under the same settings: it is drained in all of them
  std::chrono::seconds over{0};
};

// A value of functions, to be called on the control plane's engine.
struct Observed {
  std::function<bool()> ready;
  std::function<std::shared_ptr<const model::Gateway>()> gateway;
  std::function<std::vector<board::Group>()> groups;
  std::function<std::vector<ListenerAddresses>()> listeners;
  std::function<std::vector<const telemetry::Counters*>()> counters;
  std::function<std::vector<const telemetry::TunnelFrames*>()> tunnel_frames;
  std::function<std::vector<std::shared_ptr<const telemetry::RouteCounters>>()> route_counters;
  std::function<TunnelPage(const TunnelQuery&)> tunnels;
  std::function<std::uint64_t()> configuration_version;
  std::function<io::Task<std::vector<ProbedMember>>(model::Index group, model::Probe)> probe_now;
  std::function<io::Task<std::expected<UpgradeView, std::string>>()> upgrade;
  std::function<std::vector<control::MemberTunnels>()> tunnels_by_member;
  std::function<std::vector<telemetry::EndedTunnel>()> ended_tunnels;  // the newest first
  std::function<bool(const CloseRequest&)> close_tunnel;               // false: there is none
  // Nothing: there is no such member.
  std::function<std::optional<DrainView>(const MemberRequest&)> drain_member;
  std::function<bool(const MemberRequest&)> resume_member;
  std::function<void(std::string_view reason)> end_tunnels;  // all there are, over the drain time
  // Why this process makes no change of the configuration now; empty: it does.
  std::function<std::string()> why_unchangeable;
};

}  // namespace passerelle::admin
