#include "admin/admin_pages.h"

#include <fmt/format.h>

#include "admin/arm_answers.h"
#include "admin/metrics.h"
#include "admin/probe_request.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "policy/explanation/explain.h"
#include "protocol/url.h"
#include "telemetry/event_log.h"

namespace passerelle::admin {
namespace {

http::Response text(int status, std::string_view line) {
  return {status, "text/plain; charset=utf-8", std::string(line) + "\n", {}};
}

void write_report(JsonWriter& json, const board::ProbeReport& report) {
  if (report.when == WallTime{}) {
    json.null();
    return;
  }
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

void write_member(JsonWriter& json, const board::Member& member, std::string_view health) {
  const auto report = member.report();
  json.begin_object().member("name", member.name).member("address", member.address).member("health", health);
  json.member("requests", member.requests.load()).member("tunnels", member.tunnels.load()).key("lastProbe");
  write_report(json, report);
  json.end_object();
}

void write_tunnel(JsonWriter& json, const TunnelView& t) {
  json.begin_object()
      .member("id", t.id)
      .member("listener", t.listener)
      .member("rule", t.rule)
      .member("pool", t.pool);
  json.member("backendSettings", t.settings).member("client", t.client).member("member", t.member);
  json.key("seconds").decimal(t.seconds, 3);
  json.member("messagesFromClient", t.messages_from_client)
      .member("messagesFromBackend", t.messages_from_backend);
  json.member("bytesFromClient", t.bytes_from_client).member("bytesFromBackend", t.bytes_from_backend);
  for (const auto& [name, seconds] : {std::pair("roundTripClient", t.round_trip_client),
                                      std::pair("roundTripBackend", t.round_trip_backend)}) {
    json.key(name);
    if (seconds > 0)
      json.decimal(seconds, 6);
    else
      json.null();
  }
  json.end_object();
}

bool reads(const http::Request& request) {
  return request.head.method() == "GET" || request.head.method() == "HEAD";
}

// What does something, rather than show it.
bool is_command(std::string_view path) {
  return path == "/api/v1/probe" || path == "/api/v1/upgrade" || path == "/api/v1/what-if" ||
         !tunnel_to_close(path).empty();
}

}  // namespace

std::optional<http::Response> AdminPages::refuse_other_site(const http::Request& request) const {
  const auto& target = request.target;
  // Browsers send Host: a page somewhere else that makes one ask us by a name of its own (DNS rebinding) is
  // turned away.
  if (!target.host.empty() && !rules_.answers_to(target.host))
    return text(403,
                "ask the admin listener by its address, as localhost, or by a name its certificate is for");
  // And they send Origin with what a page has them do.
  const auto origin = request.head.find("Origin");
  const std::string own = fmt::format("{}://{}", request.secure ? "https" : "http", target.authority);
  if (origin && !equals_ignoring_case(*origin, own))
    return text(403, "another site's page may not ask the admin listener");
  return std::nullopt;
}

std::optional<http::Response> AdminPages::refuse(const http::Request& request) const {
  if (auto other_site = refuse_other_site(request)) return other_site;
  const auto path = request.target.path;
  const bool arm = ArmApi::has(path);
  if (!arm && !is_command(path)) {
    // Before a body is read that nobody asked for.
    return reads(request) ? std::nullopt : std::optional(read(request));
  }
  if (!arm && request.head.method() != "POST") {
    http::Response out = text(405, "this is asked for with POST");
    out.fields.emplace_back("Allow", "POST");
    return out;
  }
  if (has_token(request)) return std::nullopt;
  constexpr std::string_view what =
      "this needs the token of the state folder: Authorization: Bearer …; `run` says where it is";
  http::Response out =
      arm ? error_answer(401, error_object(request.head.find("Authorization") ? "InvalidAuthenticationToken"
                                                                              : "AuthenticationFailed",
                                           what))
          : text(401, what);
  out.fields.emplace_back("WWW-Authenticate", "Bearer");
  return out;
}

io::Task<http::Response> AdminPages::answer(const http::Request& request) const {
  const auto path = request.target.path;
  if (ArmApi::has(path)) co_return co_await arm_.answer(request);
  if (path == "/metrics" && reads(request)) co_return co_await metrics();
  if (!is_command(path)) co_return read(request);
  if (const auto to_close = tunnel_to_close(path); !to_close.empty()) co_return close(to_close, request);
  if (path == "/api/v1/what-if") co_return co_await what_if(request);
  co_return path == "/api/v1/probe" ? co_await probe(request) : co_await upgrade();
}

http::Response AdminPages::read(const http::Request& request) const {
  if (!reads(request)) {
    http::Response refused = text(405, "this page is read with GET");
    refused.fields.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  const auto path = request.target.path;
  if (path == "/livez") return text(200, "alive");
  if (path == "/readyz") return observed_.ready() ? text(200, "ready") : text(503, "not ready");
  if (path == "/api/v1/health") return health();
  if (path == "/api/v1/listeners") return listeners();
  if (path == "/api/v1/explain") return explain(request.target.query);
  if (path == "/api/v1/behaviour") return behaviour();
  if (path == "/api/v1/tunnels") return tunnels(request.target.query);
  return text(
      404,
      "pages: /livez /readyz /metrics /api/v1/health /api/v1/listeners /api/v1/explain /api/v1/tunnels "
      "/api/v1/behaviour; POST "
      "/api/v1/probe /api/v1/upgrade /api/v1/what-if "
      "/api/v1/tunnels/ID/close");
}

// In constant time: how far a guess was right must not show.
bool AdminPages::has_token(const http::Request& request) const {
  const auto [scheme, given] = split_once(request.head.find("Authorization").value_or(""), ' ');
  if (rules_.token.empty() || !equals_ignoring_case(scheme, "Bearer") || given.size() != rules_.token.size())
    return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < rules_.token.size(); ++i)
    difference |= static_cast<unsigned>(given[i] ^ rules_.token[i]);
  return difference == 0;
}

io::Task<http::Response> AdminPages::upgrade() const {
  const auto report = co_await observed_.upgrade();
  if (!report) co_return text(409, report.error());
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object().member("process", report->now).member("processBefore", report->before);
  json.member("tunnelsMoved", report->moved).member("tunnelsStaying", report->stay).end_object();
  out.body += '\n';
  co_return out;
}

// Azure: getBackendHealthOnDemand (behaviour sheet, section 10.3), in our own words.
io::Task<http::Response> AdminPages::probe(const http::Request& request) const {
  const auto gateway = observed_.gateway();
  auto wanted = read_probe_request(request.body, *gateway);
  if (!wanted) co_return text(400, wanted.error());
  const auto [group, asked] = std::move(*wanted);
  const auto members = co_await observed_.probe_now(group, asked);
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object()
      .member("pool", gateway->groups[group].pool)
      .member("backendSettings", gateway->groups[group].settings_name);
  json.key("members").begin_array();
  for (const ProbedMember& member : members) {
    json.begin_object().member("name", member.name).member("address", member.address);
    json.member("health", member.report.success ? "Up" : "Down").key("probe");
    write_report(json, member.report);
    json.end_object();
  }
  json.end_array().end_object();
  out.body += '\n';
  co_return out;
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

http::Response AdminPages::listeners() const {
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object().key("listeners").begin_array();
  for (const ListenerAddresses& listener : observed_.listeners()) {
    json.begin_object().member("name", listener.listener).key("addresses").begin_array();
    for (const Endpoint& address : listener.addresses) json.string(address.to_string());
    json.end_array().end_object();
  }
  json.end_array().end_object();
  out.body += '\n';
  return out;
}

http::Response AdminPages::explain(std::string_view query) const {
  const std::string url = query_parameter(query, "url");
  auto question = policy::Question::of_url(url);
  if (!question)
    return text(400, "url= is to be http://host/path, https://, ws:// or wss://, percent-encoded");
  if (auto method = query_parameter(query, "method"); !method.empty()) question->method = std::move(method);
  if (auto from = query_parameter(query, "from"); !from.empty()) question->from = std::move(from);
  if (!IpAddress::parse(question->from)) return text(400, "from= is to be an IP address");
  question->headers = query_parameters(query, "header");
  for (const std::string& header : question->headers) {
    if (header.find(':') == std::string::npos) return text(400, "header= is to be 'Name: value'");
  }
  auto explanation = policy::explain(*observed_.gateway(), *question);
  if (explanation.group) {
    const auto groups = observed_.groups();
    for (const auto& member : groups[*explanation.group].members) {
      for (auto& told : explanation.members) {
        if (told.address == member->name || told.address == member->endpoint.ip.to_string() ||
            told.address == member->address)
          told.health = member->health.load();
      }
    }
  }
  return {200, "application/json", policy::to_json(explanation) + "\n", {}};
}

io::Task<http::Response> AdminPages::what_if(const http::Request& request) const {
  control::FileSource source = configuration_.source();
  const arm::Loaded loaded = co_await background_.run([&] { return source.consider(request.body, false); });
  http::Response out{200, "application/json", {}, {}};
  out.body = "{\"problems\":[";
  for (const Problem& problem : loaded.problems) {
    if (!out.body.ends_with('[')) out.body += ',';
    problem.append_json(out.body);
  }
  out.body += "],\"whatIf\":";
  if (loaded.gateway) {
    const auto running = observed_.gateway();
    out.body += control::to_json(
        control::tunnels_after(observed_.tunnels_by_member(), control::drains_of(*running), *loaded.gateway),
        control::compare(control::describe(*running, salt_), control::describe(*loaded.gateway, salt_)));
  } else {
    out.body += "null";
  }
  out.body += "}\n";
  co_return out;
}

http::Response AdminPages::tunnels(std::string_view text_query) const {
  const auto query = TunnelQuery::parse(text_query);
  if (!query) return text(400, query.error());
  const TunnelPage page = observed_.tunnels(*query);
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object()
      .member("open", page.open)
      .member("matching", page.matching)
      .member("offset", query->offset);
  json.key("tunnels").begin_array();
  for (const TunnelView& tunnel : page.tunnels) write_tunnel(json, tunnel);
  json.end_array().end_object();
  out.body += '\n';
  return out;
}

http::Response AdminPages::close(std::string_view id, const http::Request& request) const {
  const auto asked = read_close_request(id, request.body);
  if (!asked) return text(400, asked.error());
  if (!observed_.close_tunnel(*asked)) return text(404, "no tunnel has this id (any more)");
  return text(200, "both sides get a Close");
}

http::Response AdminPages::behaviour() const {
  const auto gateway = observed_.gateway();
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object().member("configurationVersion", observed_.configuration_version());
  json.member("salt", salt_);
  json.key("behaviour").begin_object();
  for (const auto& [subject, facts] : control::describe(*gateway, salt_)) {
    json.key(subject).begin_object();
    for (const auto& [property, value] : facts) json.member(property, value);
    json.end_object();
  }
  json.end_object().key("drains").begin_object();
  for (const auto& [settings, over] : control::drains_of(*gateway))
    json.member(settings, static_cast<std::uint64_t>(over.count()));
  json.end_object().key("tunnels").begin_array();
  for (const auto& each : observed_.tunnels_by_member()) {
    json.begin_object().member("pool", each.pool).member("backendSettings", each.settings);
    json.member("name", each.member)
        .member("address", each.address)
        .member("tls", each.tls)
        .member("here", each.here);
    json.member("tunnels", each.tunnels).end_object();
  }
  json.end_array().end_object();
  out.body += '\n';
  return out;
}

io::Task<http::Response> AdminPages::metrics() const {
  Measured measured{observed_.gateway(),       observed_.groups(),         observed_.counters(),
                    observed_.tunnel_frames(), observed_.route_counters(), observed_.configuration_version()};
  std::string text = co_await background_.run([&measured] { return metrics_text(measured); });
  co_return http::Response{200, "text/plain; version=0.0.4; charset=utf-8", std::move(text), {}};
}

}  // namespace passerelle::admin
