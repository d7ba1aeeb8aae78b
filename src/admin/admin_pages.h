// The pages of the admin listener.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "admin/close_request.h"
#include "admin/tunnel_query.h"
#include "board/member.h"
#include "control/behaviour.h"
#include "http/server.h"
#include "model/gateway.h"
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

// What the pages show and do; filled by program/, so that admin/ needs not know the data plane.
struct Observed {
  std::function<bool()> ready;
  std::function<std::shared_ptr<const model::Gateway>()> gateway;
  std::function<std::vector<board::Group>()> groups;
  std::function<std::vector<const telemetry::Counters*>()> counters;
  std::function<std::vector<const telemetry::TunnelFrames*>()> tunnel_frames;
  std::function<std::vector<std::shared_ptr<const telemetry::RouteCounters>>()> route_counters;
  std::function<TunnelPage(const TunnelQuery&)> tunnels;
  std::function<std::uint64_t()> configuration_version;
  std::function<io::Task<std::vector<ProbedMember>>(model::Index group, model::Probe)> probe_now;
  std::function<io::Task<std::expected<UpgradeView, std::string>>()> upgrade;
  std::function<std::vector<control::MemberTunnels>()> tunnels_by_member;
  std::function<bool(const CloseRequest&)> close_tunnel;  // false: there is none
};

// On the control plane's engine.
class AdminPages {
 public:
  // `token`: what whoever asks for more than reading must know; empty: nobody may. `salt`: of digests that
  // are shown, this process's own.
  AdminPages(Observed observed, std::string token, std::string salt)
      : observed_(std::move(observed)), token_(std::move(token)), salt_(std::move(salt)) {}
  [[nodiscard]] io::Task<http::Response> answer(const http::Request& request) const;

 private:
  [[nodiscard]] http::Response read(const http::Request& request) const;
  [[nodiscard]] bool has_token(const http::Request& request) const;
  // The refusal, where whoever asks may not command; what is commanded, with POST.
  [[nodiscard]] std::optional<http::Response> refused(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> probe(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> upgrade() const;
  [[nodiscard]] http::Response health() const;
  [[nodiscard]] http::Response tunnels(std::string_view query) const;
  [[nodiscard]] http::Response close(std::string_view id, const http::Request& request) const;
  [[nodiscard]] http::Response metrics() const;
  [[nodiscard]] http::Response behaviour() const;
  Observed observed_;
  std::string token_;
  std::string salt_;
};

}  // namespace passerelle::admin
