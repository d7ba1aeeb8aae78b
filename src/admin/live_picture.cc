#include "admin/live_picture.h"

#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "telemetry/event_log.h"

namespace passerelle::admin {
namespace {

using telemetry::RouteCounters;

struct Totals {
  std::array<std::uint64_t, 2> messages{}, bytes{};
  std::array<std::uint64_t, telemetry::TimeHistogram::buckets> latency{};
};

struct RouteSums {
  std::uint64_t tunnels = 0, opened = 0, requests = 0, client_errors = 0, server_errors = 0;
  std::array<std::uint64_t, 2> messages{}, bytes{};
};

RouteSums sum_of(const RouteCounters& route, Totals& totals) {
  RouteSums out;
  for (std::size_t worker = 0; worker < route.worker_count; ++worker) {
    const auto& tunnels = route.tunnels[worker];
    const auto& requests = route.requests[worker];
    out.tunnels += tunnels.open.value();
    out.opened += tunnels.opened.value();
    for (std::size_t side = 0; side < 2; ++side) {
      out.messages[side] += tunnels.messages[side].value();
      out.bytes[side] += tunnels.bytes[side].value();
    }
    for (const auto& responses : requests.responses) out.requests += responses.value();
    out.client_errors += requests.responses[4].value();
    out.server_errors += requests.responses[5].value();
    for (std::size_t i = 0; i < totals.latency.size(); ++i) totals.latency[i] += requests.total.count(i);
  }
  for (std::size_t side = 0; side < 2; ++side) {
    totals.messages[side] += out.messages[side];
    totals.bytes[side] += out.bytes[side];
  }
  return out;
}

template <std::size_t size>
void write_numbers(JsonWriter& json, std::string_view name, const std::array<std::uint64_t, size>& numbers) {
  json.key(name).begin_array();
  for (const std::uint64_t each : numbers) json.number(each);
  json.end_array();
}

// All are counted. Those of a configuration that is gone are shown only while they carry something.
std::size_t write_routes(JsonWriter& json, const Observed& observed, Totals& totals) {
  const auto gateway = observed.gateway();
  std::set<std::pair<std::string_view, std::string_view>> here;
  for (const model::Rule& rule : gateway->rules)
    here.emplace(gateway->listeners[rule.listener].name, rule.name);
  std::size_t seen = 0;
  json.key("routes").begin_array();
  for (const auto& route : observed.route_counters()) {
    const RouteSums sums = sum_of(*route, totals);
    if (sums.tunnels == 0 && !here.contains({route->key.listener, route->key.rule})) continue;
    if (seen++ >= live_routes_max) continue;
    json.begin_object().member("listener", route->key.listener).member("rule", route->key.rule);
    json.member("pool", route->key.pool).member("backendSettings", route->key.settings);
    json.member("tunnels", sums.tunnels).member("opened", sums.opened).member("requests", sums.requests);
    json.member("clientErrors", sums.client_errors).member("serverErrors", sums.server_errors);
    write_numbers(json, "messages", sums.messages);
    write_numbers(json, "bytes", sums.bytes);
    json.end_object();
  }
  json.end_array();
  return seen > live_routes_max ? seen - live_routes_max : 0;
}

std::size_t write_members(JsonWriter& json, const Observed& observed) {
  const auto gateway = observed.gateway();
  const auto groups = observed.groups();
  std::size_t seen = 0;
  json.key("members").begin_array();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto write = [&](const board::Member& member, model::Health health) {
      if (seen++ >= live_members_max) return;
      json.begin_object()
          .member("pool", gateway->groups[i].pool)
          .member("backendSettings", gateway->groups[i].settings_name);
      json.member("name", member.name).member("address", member.address).member("health", to_string(health));
      json.member("requests", member.requests.load()).member("tunnels", member.tunnels.load()).end_object();
    };
    for (const auto& member : groups[i].members) write(*member, member->standing());
    for (const auto& leaving : groups[i].leaving) write(*leaving.member, model::Health::draining);
  }
  json.end_array();
  return seen > live_members_max ? seen - live_members_max : 0;
}

}  // namespace

std::string live_picture(const Observed& observed, WallTime now) {
  std::string out, time;
  JsonWriter json(out);
  telemetry::append_time(time, now);
  json.begin_object().member("time", time).member("ready", observed.ready());
  json.member("configurationVersion", observed.configuration_version());
  std::uint64_t connections = 0, requests = 0, tunnels = 0, opened = 0;
  std::array<std::uint64_t, 6> responses{};
  for (const telemetry::Counters* worker : observed.counters()) {
    connections += worker->connections_open.value();
    requests += worker->requests.value();
    tunnels += worker->tunnels_open.value();
    opened += worker->tunnels_opened.value();
    for (std::size_t i = 0; i < responses.size(); ++i) responses[i] += worker->responses_by_class[i].value();
  }
  json.member("connections", connections).member("requests", requests);
  json.member("tunnels", tunnels).member("tunnelsOpened", opened);
  write_numbers(json, "responses", responses);
  Totals totals;
  const std::size_t left_out = write_routes(json, observed, totals) + write_members(json, observed);
  write_numbers(json, "messages", totals.messages);
  write_numbers(json, "bytes", totals.bytes);
  json.key("latency").begin_object().key("milliseconds").begin_array();
  for (const std::uint32_t bound : telemetry::TimeHistogram::bounds_ms) json.number(bound);
  json.end_array();
  write_numbers(json, "requests", totals.latency);
  json.end_object().member("leftOut", left_out).end_object();
  return out;
}

}  // namespace passerelle::admin
