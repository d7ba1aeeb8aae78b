#include "policy/decision/decide.h"

#include <fmt/format.h>

#include "policy/decision/forward.h"
#include "policy/decision/redirect.h"

namespace passerelle::policy {
namespace {

void reject(Decision& out, int status, std::string_view why) {
  out.action = Decision::Action::reject;
  out.status = status;
  out.why = why;
}

// Mutual TLS (section 3.3). A connection was opened for one listener by its SNI and may be used for another
// by its Host: that one must ask for no other certificate (RFC 9110 section 7.4).
bool is_authenticated(Decision& out, const DecisionInput& in) {
  if (in.authentications.empty()) return true;
  const model::Listener& listener = *out.route.listener;
  const auto& demanded =
      in.authentications[static_cast<std::size_t>(&listener - in.gateway.listeners.data())];
  if (demanded != in.client.authentication) {
    reject(out, 421, "the listener asks for another client certificate than the handshake did");
    return false;
  }
  if (demanded.empty() || in.gateway.tls_profiles[*listener.profile].client_authentication->passthrough ||
      (in.client.certificate != nullptr && in.client.certificate->is_verified()))
    return true;
  const bool shown = in.client.certificate != nullptr && in.client.certificate->was_shown();
  out.note = shown ? "The SSL certificate error" : "No required SSL certificate was sent";
  reject(out, 400, shown ? in.client.certificate->verification : "the client sent no certificate");
  return false;
}

void redirect(Decision& out, const DecisionInput& in, const model::Redirect& to) {
  RedirectFacts facts{out.asked.target.host, out.asked.target.path, out.asked.target.query, 0};
  if (to.listener) facts.target_port = in.bound_ports[in.gateway.listeners[*to.listener].frontend];
  out.location = redirect_location(in.gateway, to, facts);
  if (out.location.empty()) return reject(out, 400, "there is no host to redirect to");
  out.action = Decision::Action::redirect;
  out.status = to.status;
}

// False: it came to nothing, and `out` says why.
bool rewrite(Decision& out, const model::RewriteSet& set, bool& again) {
  const auto outcome = out.rewriter.rewrite_request(set, out.facts, out.request);
  again = outcome == Rewriter::Outcome::reroute;
  if (outcome == Rewriter::Outcome::done || again) return true;
  const std::string rule =
      fmt::format("rewrite rule '{}' of set '{}'", out.rewriter.culprit()->name, set.name);
  if (outcome == Rewriter::Outcome::bad_host)
    reject(out, 400, rule + " makes a Host that is none");
  else
    reject(out, 500, fmt::format("{} makes a value of more than {} bytes", rule, Rewriter::value_bytes_max));
  return false;
}

// Rewrites, and routes again by the new path as long as a rule asks for it and the path leads elsewhere.
bool settle(Decision& out, const DecisionInput& in) {
  out.rewriter.set_url(out.asked.target.path, out.asked.target.query);
  for (unsigned round = 0; out.route.to->rewrites; ++round) {
    const model::RewriteSet& set = in.gateway.rewrite_sets[*out.route.to->rewrites];
    if (round >= Decision::reroutes_max) {
      reject(out, 500,
             fmt::format("the rewrite set '{}' reroutes without end: more than {} times", set.name,
                         Decision::reroutes_max));
      return false;
    }
    bool again = false;
    if (!rewrite(out, set, again)) return false;
    if (!again || out.route.rule->path_map.empty()) break;
    const model::Destination* before = out.route.to;
    route_again(out.route, out.rewriter.path(), in.considered);
    if (out.route.to == before || out.route.to->redirect) break;
  }
  return true;
}

const model::PathPattern* matched_pattern(const Route& route, std::string_view path) {
  if (route.path_rule == nullptr) return nullptr;
  for (const model::PathPattern& pattern : route.path_rule->paths) {
    if (model::matched_length(pattern, path)) return &pattern;
  }
  return nullptr;
}

// What the member is asked for, where it is not what the client asked for.
void set_target(Decision& out) {
  const std::string& override_path = out.group->settings.path;
  // "*" of `OPTIONS *` is no path.
  if ((!out.rewriter.url_changed() && override_path.empty()) || out.asked.target.path == "*") return;
  const std::string& path = out.rewriter.path();
  if (override_path.empty())
    out.target = path;
  else
    append_member_path(out.target, override_path, matched_pattern(out.route, path), path);
  // A '?' without anything behind it stays what it was.
  const bool bare_mark = !out.rewriter.url_changed() && out.asked.target.origin.ends_with('?');
  if (!out.rewriter.query().empty() || bare_mark) {
    out.target += '?';
    out.target += out.rewriter.query();
  }
  out.request.set_target(out.target);
}

// A member's name as a Host.
std::string as_host(std::string_view member_name) {
  if (member_name.starts_with("unix:")) return "localhost";
  const auto address = IpAddress::parse(member_name);
  return address && address->v6 ? fmt::format("[{}]", member_name) : std::string(member_name);
}

}  // namespace

void Decision::clear() {
  action = Action::refuse;
  status = 0;
  why.clear();
  note = {};
  asked = {};
  route = {};
  group = nullptr;
  location.clear();
  request.clear();
  rewriter.clear();
  facts = {};
  target.clear();
}

void decide(Decision& out, const DecisionInput& in) {
  const auto asked = judge(in.request, in.limits);
  if (!asked) {
    out.status = asked.error().status;
    out.why = asked.error().what;
    return;
  }
  out.asked = *asked;
  const http1::RequestTarget& target = out.asked.target;
  out.route = route(in.gateway, in.frontend, {target.host, target.path}, in.considered);
  if (out.route.to == nullptr) return reject(out, 404, "no listener is for this host");
  if (!is_authenticated(out, in)) return;
  if (out.asked.websocket &&
      !model::is_allowed_origin(out.route.listener->allowed_origins, in.request.find("Origin")))
    return reject(out, 403, "the listener's allowedOrigins do not have the Origin of this WebSocket");
  const model::Frontend& frontend = in.gateway.frontends[in.frontend];
  if (!out.route.to->redirect) {
    make_request(
        out.request, in.request, target, out.asked.framing,
        {in.client.ip, in.client.port, in.client.tls, frontend.port, in.trace_id, out.asked.websocket});
    out.facts = {&in.client, &in.request, &target, frontend.port, in.request.text.size(), 0};
    if (!settle(out, in)) return;
  }
  if (out.route.to->redirect) return redirect(out, in, in.gateway.redirects[*out.route.to->redirect]);
  out.action = Decision::Action::forward;
  out.group = &in.gateway.groups[*out.route.to->group];
  set_target(out);
}

std::string_view address_to(Decision& decision, std::string_view member_name) {
  const model::BackendSettings& settings = decision.group->settings;
  MessageHead& request = decision.request;
  if (!settings.host_name.empty())
    request.set("Host", settings.host_name);
  else if (settings.pick_host_from_member || request.find(FieldId::host).value_or("").empty())
    request.set("Host", as_host(member_name));
  return request.find(FieldId::host).value_or("");
}

std::string_view server_name(std::string_view host) {
  if (host.starts_with('[')) return {};
  std::string_view name = host.substr(0, host.find(':'));
  if (name.ends_with('.')) name.remove_suffix(1);  // RFC 6066 section 3
  return IpAddress::parse(name) ? std::string_view() : name;
}

bool finish_response(Decision& decision, MessageHead& response) {
  const auto outcome = decision.rewriter.rewrite_response(decision.facts, decision.request, response);
  if (outcome != Rewriter::Outcome::too_long) return true;
  decision.why = fmt::format("rewrite rule '{}' makes a value of more than {} bytes",
                             decision.rewriter.culprit()->name, Rewriter::value_bytes_max);
  return false;
}

void append_member_path(std::string& out, std::string_view override_path, const model::PathPattern* pattern,
                        std::string_view path) {
  std::string_view rest = path;
  if (pattern != nullptr) rest.remove_prefix(model::matched_length(*pattern, path).value_or(0));
  if (rest.starts_with('/')) rest.remove_prefix(1);
  const bool slash_left = path.ends_with('/');
  out += override_path;
  if ((!rest.empty() || slash_left) && !out.ends_with('/')) out += '/';
  out += rest;
}

}  // namespace passerelle::policy
