#include "admin/admin_pages.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin/arm_answers.h"
#include "admin/json_views.h"
#include "admin/metrics.h"
#include "admin/portal.h"
#include "admin/probe_request.h"
#include "admin/topology.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "policy/explanation/explain.h"
#include "protocol/url.h"
#include "protocol/websocket/handshake.h"

namespace passerelle::admin {
namespace {

constexpr std::string_view live_path = "/api/v1/live";
constexpr std::string_view token_path = "/api/v1/token";

http::Response text(int status, std::string_view line) {
  return {status, "text/plain; charset=utf-8", std::string(line) + "\n", {}};
}

http::Response json_page(std::string body) { return {200, "application/json", std::move(body) + "\n", {}}; }

bool asks_for_websocket(const http::Request& request) {
  const auto asked = websocket::asks_for_websocket(request.head, {});
  return asked && *asked;
}

constexpr std::string_view no_such_member =
    "no pool has this member under these settings: see /api/v1/health";

bool reads(const http::Request& request) {
  return request.head.method() == "GET" || request.head.method() == "HEAD";
}

}  // namespace

const std::array<AdminPages::Page, 11> AdminPages::pages = {{
    {"/livez", &AdminPages::livez},
    {"/readyz", &AdminPages::readyz},
    {"/api/v1/health", &AdminPages::health},
    {"/api/v1/topology", &AdminPages::show_topology},
    {"/api/v1/listeners", &AdminPages::listeners},
    {"/api/v1/certificates", &AdminPages::show_certificates},
    {"/api/v1/explain", &AdminPages::explain},
    {"/api/v1/tunnels", &AdminPages::tunnels},
    {"/api/v1/tunnels/ended", &AdminPages::ended_tunnels},
    {"/api/v1/behaviour", &AdminPages::behaviour},
    {live_path, &AdminPages::live_without_websocket},
}};

const std::array<AdminPages::Command, 6> AdminPages::commands = {{
    {"/api/v1/probe", &AdminPages::probe},
    {"/api/v1/what-if", &AdminPages::what_if},
    {"/api/v1/apply", &AdminPages::apply},
    {"/api/v1/members/drain", &AdminPages::drain},
    {"/api/v1/members/resume", &AdminPages::resume},
    {"/api/v1/upgrade", &AdminPages::upgrade},
}};

// What does something, rather than show it.
bool AdminPages::is_command(std::string_view path) {
  return std::ranges::find(commands, path, &Command::path) != commands.end() ||
         !tunnel_to_close(path).empty();
}

http::Response AdminPages::livez(std::string_view) const { return text(200, "alive"); }

http::Response AdminPages::readyz(std::string_view) const {
  return observed_.ready() ? text(200, "ready") : text(503, "not ready");
}

http::Response AdminPages::show_topology(std::string_view) const {
  return json_page(topology(*observed_.gateway(), observed_.listeners(), configuration_.is_kept()));
}

http::Response AdminPages::show_certificates(std::string_view) const {
  return json_page(certificates(*observed_.gateway()));
}

http::Response AdminPages::live_without_websocket(std::string_view) const {
  http::Response out = text(426, "this is a WebSocket: one JSON text a second");
  out.fields.emplace_back("Upgrade", "websocket");
  out.fields.emplace_back("Connection", "Upgrade");
  out.fields.emplace_back("Sec-WebSocket-Version", "13");
  return out;
}

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
  if (asks_for_websocket(request)) {
    if (path != live_path) return text(404, "the only WebSocket here is /api/v1/live");
    if (request.head.find("Sec-WebSocket-Version") != "13") return live_without_websocket({});
    if (!live_.is_full()) return std::nullopt;
    return text(503, fmt::format("{} watch already, and no more may", LiveFeed::watchers_max));
  }
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
  co_return co_await (this->*std::ranges::find(commands, path, &Command::path)->answer)(request);
}

http::Response AdminPages::read(const http::Request& request) const {
  if (!reads(request)) {
    http::Response refused = text(405, "this page is read with GET");
    refused.fields.emplace_back("Allow", "GET, HEAD");
    return refused;
  }
  const auto path = request.target.path;
  if (const auto page = std::ranges::find(pages, path, &Page::path); page != pages.end())
    return (this->*page->answer)(request.target.query);
  // For a page that asks for it: a browser tells its console of every 401.
  if (path == token_path) return json_page(has_token(request) ? R"({"valid":true})" : R"({"valid":false})");
  if (auto file = portal_page(request)) return std::move(*file);
  std::string known = "pages: /, /metrics, /api/v1/token";
  for (const Page& page : pages) known += fmt::format(", {}", page.path);
  known += "; with POST and the token: /api/v1/tunnels/ID/close";
  for (const Command& command : commands) known += fmt::format(", {}", command.path);
  return text(404, known);
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

io::Task<http::Response> AdminPages::upgrade(const http::Request&) const {
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

http::Response AdminPages::health(std::string_view) const {
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
    for (const auto& member : groups[i].members) write_member(json, *member, false);
    for (const auto& leaving : groups[i].leaving) write_member(json, *leaving.member, true);
    json.end_array().end_object();
  }
  json.end_array().end_object();
  out.body += '\n';
  return out;
}

http::Response AdminPages::listeners(std::string_view) const {
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
        if (told.port != 0 && told.port != member->endpoint.port) continue;
        if (told.address == member->name || told.address == member->endpoint.ip.to_string() ||
            told.address == member->address)
          told.health = member->standing();
      }
    }
  }
  return json_page(policy::to_json(explanation, true));
}

io::Task<arm::Loaded> AdminPages::evaluate(const std::string& text_of_template) const {
  control::FileSource source = configuration_.source();
  if (const control::Applied& now = configuration_.applied(); now.exists()) source.deploy_to(now.id);
  arm::Loaded out = co_await background_.run([&] { return source.consider(text_of_template, false); });
  if (out.gateway) {
    if (auto refused = arm_.refused_name(*out.gateway)) {
      out.problems.push_back(std::move(*refused));
      out.gateway.reset();
    }
  }
  co_return out;
}

// As a PUT of what the template comes to.
io::Task<http::Response> AdminPages::apply(const http::Request& request) const {
  const arm::Loaded loaded = co_await evaluate(request.body);
  if (!loaded.gateway)
    co_return http::Response{400,
                             "application/json",
                             fmt::format("{{\"problems\":{}}}\n",
                                         json_of(loaded.problems, configuration_.source().first_template())),
                             {}};
  co_return arm_.put(request, loaded);
}

// What this process does, and the next one does not know, would be lost.
std::optional<http::Response> AdminPages::refuse_change() const {
  const std::string why = observed_.why_unchangeable();
  if (why.empty()) return std::nullopt;
  http::Response out = text(503, why + ": try again in a moment");
  out.fields.emplace_back("Retry-After", "1");
  return out;
}

io::Task<http::Response> AdminPages::drain(const http::Request& request) const {
  if (auto refused = refuse_change()) co_return std::move(*refused);
  const auto asked = read_member_request(request.body);
  if (!asked) co_return text(400, asked.error());
  const auto drained = observed_.drain_member(*asked);
  if (!drained) co_return text(404, no_such_member);
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object().member("tunnels", drained->tunnels);
  json.member("overSeconds", static_cast<std::uint64_t>(drained->over.count())).key("pools").begin_array();
  for (const std::string& pool : drained->pools) json.string(pool);
  json.end_array().end_object();
  out.body += '\n';
  co_return out;
}

io::Task<http::Response> AdminPages::resume(const http::Request& request) const {
  if (auto refused = refuse_change()) co_return std::move(*refused);
  const auto asked = read_member_request(request.body);
  if (!asked) co_return text(400, asked.error());
  if (!observed_.resume_member(*asked)) co_return text(404, no_such_member);
  co_return text(200, "it gets traffic again where its probes succeed");
}

io::Task<http::Response> AdminPages::what_if(const http::Request& request) const {
  const arm::Loaded loaded = co_await evaluate(request.body);
  http::Response out{200, "application/json", {}, {}};
  out.body = fmt::format("{{\"problems\":{},\"whatIf\":",
                         json_of(loaded.problems, configuration_.source().first_template()));
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

http::Response AdminPages::ended_tunnels(std::string_view) const {
  http::Response out{200, "application/json", {}, {}};
  JsonWriter json(out.body);
  json.begin_object().key("tunnels").begin_array();
  for (const telemetry::EndedTunnel& tunnel : observed_.ended_tunnels()) write_ended(json, tunnel);
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

http::Response AdminPages::behaviour(std::string_view) const {
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
