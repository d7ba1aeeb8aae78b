#include "program/tunnel_views.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace passerelle::program {
namespace {

using admin::TunnelQuery;

std::string id_of(const proxy::TunnelTag& tag) {
  std::string out;
  append_hex(out, {tag.trace_id.data(), tag.trace_id.size()});
  return out;
}

bool is_asked_for(const proxy::TunnelTag& tag, const TunnelQuery& query) {
  const auto is = [](const std::string& wanted, const std::string& name) {
    return wanted.empty() || equals_ignoring_case(wanted, name);
  };
  const proxy::RouteNames& names = *tag.names;
  if (!is(query.listener, names.listener) || !is(query.rule, names.rule) || !is(query.pool, names.pool))
    return false;
  const board::Member& member = *tag.seat.member();
  if (!is(query.member, member.address) && !is(query.member, member.name)) return false;
  if (!query.client.empty() && !is(query.client, tag.client_ip.to_string()) &&
      !is(query.client, Endpoint{tag.client_ip, tag.client_port, {}}.to_string()))
    return false;
  return query.id.empty() || is(query.id, id_of(tag));
}

double key_of(const proxy::Tunnel& tunnel, TunnelQuery::Order order, double seconds) {
  const auto& from_client = tunnel.from(proxy::TunnelSide::client);
  const auto& from_backend = tunnel.from(proxy::TunnelSide::backend);
  switch (order) {
    case TunnelQuery::Order::messages:
      return static_cast<double>(from_client.messages + from_backend.messages);
    case TunnelQuery::Order::bytes: return static_cast<double>(from_client.bytes + from_backend.bytes);
    case TunnelQuery::Order::seconds: break;
  }
  return seconds;
}

admin::TunnelView view_of(const proxy::Tunnel& tunnel, double seconds) {
  const auto& tag = tunnel.tag();
  const auto& from_client = tunnel.from(proxy::TunnelSide::client);
  const auto& from_backend = tunnel.from(proxy::TunnelSide::backend);
  const auto round_trip = [&](proxy::TunnelSide side) {
    return std::chrono::duration<double>(tunnel.round_trip(side)).count();
  };
  return {.id = id_of(tag),
          .listener = tag.names->listener,
          .rule = tag.names->rule,
          .pool = tag.names->pool,
          .settings = tag.names->settings,
          .client = Endpoint{tag.client_ip, tag.client_port, {}}.to_string(),
          .member = tag.seat.member()->address,
          .seconds = seconds,
          .messages_from_client = from_client.messages,
          .messages_from_backend = from_backend.messages,
          .bytes_from_client = from_client.bytes,
          .bytes_from_backend = from_backend.bytes,
          .round_trip_client = round_trip(proxy::TunnelSide::client),
          .round_trip_backend = round_trip(proxy::TunnelSide::backend)};
}

// A view with what it is ordered by.
struct Ranked {
  double key = 0;
  admin::TunnelView view;
};

}  // namespace

// Of each worker no more are written down than may be on the page: a worker should not stand still for a list
// of all.
admin::TunnelPage find_tunnels(proxy::DataPlane& data_plane, const TunnelQuery& query) {
  admin::TunnelPage page;
  std::vector<Ranked> found;
  const auto comes_first = [&](double a, double b) { return query.descending ? a > b : a < b; };
  const std::size_t most = query.offset + query.limit;
  data_plane.visit_workers([&](proxy::Worker& worker) {
    struct Place {
      double key = 0, seconds = 0;
      const proxy::Tunnel* tunnel = nullptr;
    };
    std::vector<Place> places;
    worker.tunnels.for_each([&](const proxy::Tunnel& tunnel) {
      ++page.open;
      if (!is_asked_for(tunnel.tag(), query)) return;
      const double seconds = std::chrono::duration<double>(worker.engine.now() - tunnel.opened()).count();
      places.push_back({key_of(tunnel, query.order, seconds), seconds, &tunnel});
    });
    page.matching += places.size();
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(std::min(most, places.size()));
    std::partial_sort(places.begin(), end, places.end(),
                      [&](const Place& a, const Place& b) { return comes_first(a.key, b.key); });
    for (auto place = places.begin(); place != end; ++place)
      found.push_back({place->key, view_of(*place->tunnel, place->seconds)});
  });
  std::ranges::sort(found, [&](const Ranked& a, const Ranked& b) { return comes_first(a.key, b.key); });
  for (std::size_t i = query.offset; i < std::min(most, found.size()); ++i)
    page.tunnels.push_back(std::move(found[i].view));
  return page;
}

std::vector<control::MemberTunnels> tunnels_by_member(proxy::DataPlane& data_plane) {
  std::map<std::pair<const board::Member*, std::string>, control::MemberTunnels> found;
  data_plane.visit_workers([&](proxy::Worker& worker) {
    worker.tunnels.for_each([&](const proxy::Tunnel& tunnel) {
      const board::Member& member = *tunnel.tag().seat.member();
      const std::string& pool = tunnel.tag().names->pool;
      auto& entry = found[{&member, pool}];
      if (entry.tunnels++ > 0) return;
      entry = {
          pool, member.settings_name, member.name, member.address, member.tls, data_plane.is_here(member), 1};
    });
  });
  std::vector<control::MemberTunnels> out;
  for (auto& [key, entry] : found) out.push_back(std::move(entry));
  return out;
}

std::vector<telemetry::EndedTunnel> ended_tunnels(proxy::DataPlane& data_plane) {
  std::vector<telemetry::EndedTunnel> out;
  data_plane.visit_workers([&](proxy::Worker& worker) {
    worker.ended_tunnels.for_each([&](const telemetry::EndedTunnel& each) { out.push_back(each); });
  });
  std::ranges::sort(out, std::ranges::greater(), &telemetry::EndedTunnel::ended);
  return out;
}

bool close_tunnel(proxy::DataPlane& data_plane, const admin::CloseRequest& request) {
  bool found = false;
  data_plane.visit_workers([&](proxy::Worker& worker) {
    worker.tunnels.for_each([&](proxy::Tunnel& tunnel) {
      if (found || !equals_ignoring_case(id_of(tunnel.tag()), request.id)) return;
      found = true;
      tunnel.leave(proxy::TunnelEnd::operator_closed, {.code = request.code, .reason = request.reason});
    });
  });
  return found;
}

}  // namespace passerelle::program
