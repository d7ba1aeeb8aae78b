#include "admin/admin_pages.h"

#include <fmt/format.h>

#include "admin/metrics.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "telemetry/event_log.h"

namespace passerelle::admin {
namespace {

// Browsers send Host; a page somewhere else that makes one ask us by another name (DNS rebinding) is turned
// away.
bool is_loopback_or_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return equals_ignoring_case(host, "localhost") || IpAddress::parse(host).has_value();
}

void write_member(JsonWriter& json, const board::Member& member, std::string_view health) {
  const auto report = member.report();
  json.begin_object().member("name", member.name).member("address", member.address).member("health", health);
  json.member("requests", member.requests.load()).member("tunnels", member.tunnels.load()).key("lastProbe");
  if (report.when == WallTime{}) {
    json.null();
  } else {
    std::string time;
    telemetry::append_time(time, report.when);
    json.begin_object().member("time", time).member("success", report.success).member("sent", report.sent);
    json.member("expected", report.expected).member("received", report.received);
    json.key("hint");
    if (report.hint.empty())
      json.null();
    else
      json.string(report.hint);
    json.end_object();
  }
  json.end_object();
}

}  // namespace

http::Response AdminPages::answer(const http::Request& request) const {
  if (!request.target.host.empty() && !is_loopback_or_address(request.target.host)) {
    return {403, "text/plain; charset=utf-8", "ask the admin listener by its address or as localhost\n", {}};
  }
  if (request.head.method() != "GET" && request.head.method() != "HEAD") {
    return {405, "text/plain; charset=utf-8", "this page is read with GET\n", {{"Allow", "GET, HEAD"}}};
  }
  const auto path = request.target.path;
  if (path == "/livez") return {200, "text/plain; charset=utf-8", "alive\n", {}};
  if (path == "/readyz") {
    return observed_.ready() ? http::Response{200, "text/plain; charset=utf-8", "ready\n", {}}
                             : http::Response{503, "text/plain; charset=utf-8", "not ready\n", {}};
  }
  if (path == "/metrics") return metrics();
  if (path == "/api/v1/health") return health();
  if (path == "/api/v1/tunnels") return tunnels();
  return {404,
          "text/plain; charset=utf-8",
          "pages: /livez /readyz /metrics /api/v1/health /api/v1/tunnels\n",
          {}};
}

http::Response AdminPages::health() const {
  const auto gateway = observed_.gateway();
  const auto groups = observed_.groups();
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object()
      .member("gateway", gateway->name)
      .member("configurationVersion", observed_.configuration_version())
      .key("pools")
      .begin_array();
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const model::BackendGroup& group = gateway->groups[i];
    json.begin_object()
        .member("name", group.pool)
        .member("backendSettings", group.settings_name)
        .member("probe", group.settings.probe.name);
    json.key("members").begin_array();
    for (const auto& member : groups[i].members)
      write_member(json, *member, to_string(member->health.load()));
    for (const auto& leaving : groups[i].leaving) write_member(json, *leaving.member, "Draining");
    json.end_array().end_object();
  }
  json.end_array().end_object();
  out.body += '\n';
  return out;
}

http::Response AdminPages::tunnels() const {
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object().key("tunnels").begin_array();
  for (const TunnelView& t : observed_.tunnels()) {
    json.begin_object()
        .member("id", t.id)
        .member("listener", t.listener)
        .member("rule", t.rule)
        .member("pool", t.pool);
    json.member("backendSettings", t.settings)
        .member("client", t.client)
        .member("member", t.member)
        .key("seconds")
        .decimal(t.seconds, 3);
    json.member("messagesFromClient", t.messages_from_client)
        .member("messagesFromBackend", t.messages_from_backend);
    json.member("bytesFromClient", t.bytes_from_client)
        .member("bytesFromBackend", t.bytes_from_backend)
        .end_object();
  }
  json.end_array().end_object();
  out.body += '\n';
  return out;
}

http::Response AdminPages::metrics() const {
  const auto gateway = observed_.gateway();
  return {200,
          "text/plain; version=0.0.4; charset=utf-8",
          metrics_text(*gateway, observed_.groups(), observed_.counters(), observed_.configuration_version()),
          {}};
}

}  // namespace passerelle::admin
