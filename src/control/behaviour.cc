#include "control/behaviour.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/digest.h"
#include "base/json_writer.h"
#include "base/text.h"

namespace passerelle::control {
namespace {

// Section 8.3 of the behaviour sheet: with draining switched off.
constexpr std::chrono::seconds drain_without_draining{30};

template <class Items, class Name>
std::string list(const Items& items, Name name) {
  std::string out;
  for (const auto& item : items) out += (out.empty() ? "" : ", ") + std::string(name(item));
  return out;
}
std::string list(const std::vector<std::string>& items) {
  return list(items, [](const std::string& item) { return item; });
}
std::string yes(bool value) { return value ? "yes" : "no"; }

class Describer {
 public:
  Describer(const model::Gateway& gateway, std::string_view salt) : gateway_(gateway), salt_(salt) {}

  Behaviour describe() {
    for (const model::Listener& listener : gateway_.listeners) listen(listener);
    for (const model::Rule& rule : gateway_.rules) tell(rule);
    for (const model::BackendGroup& group : gateway_.groups) tell(group);
    for (const model::RewriteSet& set : gateway_.rewrite_sets) tell(set);
    for (const model::Frontend& frontend : gateway_.frontends) {
      const auto name = [&](model::Index i) { return gateway_.listeners[i].name; };
      out_["frontend " + frontend.name]["listeners, as they are asked"] = list(frontend.listeners, name);
    }
    tell(gateway_.options);
    return std::move(out_);
  }

 private:
  // Changes with what it is made of, and tells nothing else.
  std::string digest(std::string_view label, const std::vector<std::string_view>& parts) const {
    std::string all;
    for (const std::string_view part : parts) all += fmt::format("{}:{}", part.size(), part);
    std::string out;
    append_hex(out, std::string_view(hmac_sha256(salt_, all).data(), 8));
    return fmt::format("{} {}", label, out);
  }

  void listen(const model::Listener& listener) {
    auto& facts = out_["listener " + listener.name];
    const model::Frontend& frontend = gateway_.frontends[listener.frontend];
    facts["listens on"] =
        fmt::format("{} ({}, port {} of the template)",
                    list(frontend.binds, [](const Endpoint& bind) { return bind.to_string(); }),
                    frontend.tls ? "https" : "http", frontend.port);
    facts["host names"] = listener.host_names.empty() ? "any" : list(listener.host_names);
    if (listener.disabled) facts["disabled"] = "its certificate is in a Key Vault and nobody supplied it";
    if (listener.certificate) {
      const auto& certificate = gateway_.certificates[*listener.certificate];
      facts["certificate"] =
          certificate.kind == model::Certificate::Kind::self_signed
              ? certificate.name + " (self-signed)"
              : digest(certificate.name, {certificate.pfx, certificate.chain, certificate.key});
    }
    if (frontend.tls) tell_tls(facts, listener);
    tell_pages(facts, listener.error_pages);
    tell(facts, listener.keepers);
    if (!listener.allowed_origins.empty()) facts["allowed origins"] = list(listener.allowed_origins);
  }

  void tell_tls(std::map<std::string, std::string>& facts, const model::Listener& listener) {
    const model::TlsProfile* profile = listener.profile ? &gateway_.tls_profiles[*listener.profile] : nullptr;
    const std::size_t index = profile != nullptr && profile->policy ? *profile->policy : 0;
    if (index < gateway_.tls_policies.size()) {
      const model::TlsPolicy& policy = gateway_.tls_policies[index];
      facts["TLS policy"] = fmt::format("{}, from version {}, {}", policy.name,
                                        static_cast<int>(policy.lowest), list(policy.suites));
    }
    if (profile == nullptr || !profile->client_authentication) return;
    const auto& authentication = *profile->client_authentication;
    facts["client certificates"] =
        fmt::format("{}, issuer checked: {}, revocation checked: {}, trusted: {}",
                    authentication.passthrough ? "asked for" : "demanded", yes(authentication.verify_issuer),
                    yes(authentication.check_revocation), trusted(authentication.authorities));
  }

  std::string trusted(const std::vector<std::size_t>& indexes) {
    return list(indexes, [&](std::size_t i) {
      const auto& certificate = gateway_.trusted_certificates[i];
      return digest(certificate.name, {certificate.data});
    });
  }

  void tell_pages(std::map<std::string, std::string>& facts,
                  const std::vector<model::ErrorPage>& pages) const {
    for (const model::ErrorPage& page : pages)
      facts[fmt::format("page for {}", page.status)] =
          page.url.empty() ? digest(page.path, {page.body ? *page.body : std::string()}) : page.url;
  }

  static void tell(std::map<std::string, std::string>& facts, const model::Keepers& keepers) {
    if (keepers.ping_interval) facts["pings"] = fmt::format("every {} s", keepers.ping_interval->count());
    if (keepers.message_bytes_max)
      facts["longest message"] = fmt::format("{} bytes", *keepers.message_bytes_max);
    if (keepers.messages_per_second_max)
      facts["messages a second"] = std::to_string(*keepers.messages_per_second_max);
    if (keepers.bytes_per_second_max) facts["bytes a second"] = std::to_string(*keepers.bytes_per_second_max);
    if (keepers.tunnel_age_max) facts["oldest tunnel"] = fmt::format("{} s", keepers.tunnel_age_max->count());
  }

  // A query may well be a key.
  std::string url(const std::string& text) const {
    const auto query = text.find('?');
    return query == std::string::npos ? text : text.substr(0, query) + "?" + digest("query", {text});
  }

  std::string where(const model::Destination& to) {
    if (to.redirect) {
      const model::Redirect& redirect = gateway_.redirects[*to.redirect];
      return fmt::format(
          "redirect {} to {}, path kept: {}, query kept: {}", redirect.status,
          redirect.listener ? "listener " + gateway_.listeners[*redirect.listener].name : url(redirect.url),
          yes(redirect.include_path), yes(redirect.include_query));
    }
    const model::BackendGroup& group = gateway_.groups[*to.group];
    return fmt::format("pool {} with settings {}{}", group.pool, group.settings_name,
                       to.rewrites ? ", rewrites " + gateway_.rewrite_sets[*to.rewrites].name : "");
  }

  void tell(const model::Rule& rule) {
    auto& facts = out_["rule " + rule.name];
    facts["listener"] = gateway_.listeners[rule.listener].name;
    if (rule.priority) facts["priority"] = std::to_string(*rule.priority);
    std::size_t order = 0;
    for (const model::PathRule& path_rule : rule.path_rules) {
      ++order;
      // The first that matches decides.
      for (const model::PathPattern& pattern : path_rule.paths)
        facts.try_emplace("path " + pattern.text, fmt::format("{} (asked {}.)", where(path_rule.to), order));
    }
    facts[rule.path_rules.empty() ? "everything" : "every other path"] = where(rule.otherwise);
  }

  void tell(const model::BackendGroup& group) {
    const model::BackendSettings& s = group.settings;
    auto& facts =
        out_[fmt::format("{} {} with settings {}", group.is_policy ? "load distribution policy" : "pool",
                         group.pool, group.settings_name)];
    for (const model::Target& target : group.targets) {
      const std::string address =
          target.address ? target.address->to_string() : fmt::format("{}:{}", target.host, target.port);
      facts[target.name == address ? "member " + address
                                   : fmt::format("member {} at {}", target.name, address)] =
          fmt::format("{}{}", target.tls ? "https" : "http",
                      group.is_policy ? fmt::format(", weight {}", target.weight) : "");
    }
    facts["request timeout"] = fmt::format("{} s", s.request_timeout.count());
    facts["connection draining"] = s.drain_timeout ? fmt::format("{} s", s.drain_timeout->count()) : "off";
    facts["Host"] = !s.host_name.empty()      ? s.host_name
                    : s.pick_host_from_member ? "the member's"
                                              : "the client's";
    facts["affinity"] = s.affinity_cookie.empty() ? "off" : "cookie " + s.affinity_cookie;
    if (!s.path.empty()) facts["path"] = s.path;
    if (s.dedicated_connection) facts["connections"] = "dedicated";
    if (group.balancing != model::Balancing::round_robin)
      facts["balancing"] = group.balancing == model::Balancing::ip_hash ? "IP hash" : "least connections";
    const model::Probe& probe = s.probe;
    facts["probe"] = fmt::format(
        "{}: GET {} with Host {}{}, every {} s, {} s for the answer, down after {}, {} servers at least, "
        "{}{}",
        probe.name, probe.path, probe.host.empty() ? "the member's" : probe.host,
        probe.port != 0 ? fmt::format(", port {}", probe.port) : "", probe.interval.count(),
        probe.timeout.count(), probe.unhealthy_threshold, probe.min_servers,
        list(probe.statuses, [](const auto& range) { return fmt::format("{}-{}", range.low, range.high); }),
        probe.body.empty() ? "" : ", body with '" + probe.body + "'");
    if (!s.https) return;
    const auto& v = s.verification;
    facts["members' certificates"] =
        fmt::format("chain checked: {}, name checked: {}, SNI {}, roots {}{}{}", yes(v.chain_and_expiry),
                    yes(v.name), v.server_name.empty() ? "the Host" : v.server_name, trusted(v.authorities),
                    v.system_authorities ? " and the system's" : "", trusted(v.members_itself));
  }

  // What goes to a member, or is asked of a client's fields, may be a secret.
  std::string text(const model::RewriteValue& value, bool secret) const {
    return list(value.pieces, [&](const auto& piece) {
      return piece.variable  ? "{" + model::to_string(*piece.variable) + "}"
             : piece.capture ? fmt::format("{{capture {}}}", *piece.capture)
             : secret        ? digest("text", {piece.literal})
                             : piece.literal;
    });
  }

  std::string text(const Pattern& pattern, bool negate, bool secret) const {
    return fmt::format("{}{} {}", negate ? "does not match" : "matches",
                       pattern.ignores_case() ? " in any case" : "",
                       secret ? digest("pattern", {pattern.text()}) : pattern.text());
  }

  void tell(const model::RewriteSet& set) {
    using Source = model::RewriteVariable::Source;
    auto& facts = out_["rewrite set " + set.name];
    std::size_t order = 0;
    for (const model::RewriteRule& rule : set.rules) {
      std::string told = fmt::format("sequence {}", rule.sequence);
      for (const auto& condition : rule.conditions)
        told += fmt::format(
            "; where {} {}", model::to_string(condition.variable),
            text(condition.pattern, condition.negate, condition.variable.source != Source::server));
      for (const auto* fields : {&rule.request_fields, &rule.response_fields}) {
        const bool request = fields == &rule.request_fields;
        for (const auto& field : *fields) {
          told += fmt::format("; {} {} = {}", request ? "request" : "response", field.name,
                              text(field.value, request));
          if (field.matcher)
            told += " where it " + text(field.matcher->pattern, field.matcher->negate, request);
        }
      }
      if (rule.path) told += "; path = " + text(*rule.path, false);
      if (rule.query) told += "; query = " + text(*rule.query, true);
      if (rule.reroute) told += "; routed again";
      facts[fmt::format("rule {} {}", ++order, rule.name)] = told;
    }
  }

  void tell(const model::Options& options) {
    auto& facts = out_["gateway"];
    tell_pages(facts, gateway_.error_pages);
    facts["HTTP/2"] = yes(options.http2);
    facts["requests buffered"] = yes(options.spool_requests);
    facts["requestTimeout limits tunnels"] = yes(options.request_timeout_limits_tunnels);
    facts["tunnels of a member that is down end"] = yes(options.unhealthy_drains_tunnels);
    facts["tunnels end with an update"] = yes(options.update_drains_tunnels);
    facts["tunnels' idle timeout"] =
        options.tunnel_idle_timeout ? fmt::format("{} s", options.tunnel_idle_timeout->count()) : "none";
    facts["tunnels go to"] = options.tunnels_to_fewest ? "the member with the fewest" : "each member in turn";
  }

  const model::Gateway& gateway_;
  const std::string_view salt_;
  Behaviour out_;
};

bool has_member(const model::Gateway& gateway, const MemberTunnels& of) {
  for (const model::BackendGroup& group : gateway.groups) {
    if (group.settings_name != of.settings) continue;
    for (const model::Target& target : group.targets) {
      if (target.name != of.member || target.tls != of.tls) continue;
      // A name's addresses are DNS's to say.
      if (target.address ? target.address->to_string() == of.address
                         : of.address.ends_with(fmt::format(":{}", target.port)))
        return true;
    }
  }
  return false;
}

}  // namespace

Behaviour describe(const model::Gateway& gateway, std::string_view salt) {
  return Describer(gateway, salt).describe();
}

std::vector<BehaviourChange> compare(const Behaviour& before, const Behaviour& after) {
  std::vector<BehaviourChange> out;
  for (const auto& [subject, facts] : before) {
    const auto now = after.find(subject);
    if (now == after.end()) {
      out.push_back({subject, {}, "here", std::nullopt});
      continue;
    }
    for (const auto& [property, value] : facts) {
      const auto changed = now->second.find(property);
      if (changed == now->second.end())
        out.push_back({subject, property, value, std::nullopt});
      else if (changed->second != value)
        out.push_back({subject, property, value, changed->second});
    }
    for (const auto& [property, value] : now->second) {
      if (!facts.contains(property)) out.push_back({subject, property, std::nullopt, value});
    }
  }
  for (const auto& [subject, facts] : after) {
    if (!before.contains(subject)) out.push_back({subject, {}, std::nullopt, "here"});
  }
  return out;
}

std::map<std::string, std::chrono::seconds> drains_of(const model::Gateway& gateway) {
  std::map<std::string, std::chrono::seconds> out;
  for (const model::BackendGroup& group : gateway.groups) {
    if (group.settings.drain_timeout) out[group.settings_name] = *group.settings.drain_timeout;
  }
  return out;
}

TunnelsAfter tunnels_after(const std::vector<MemberTunnels>& tunnels,
                           const std::map<std::string, std::chrono::seconds>& drains,
                           const model::Gateway& after) {
  TunnelsAfter out;
  for (const MemberTunnels& each : tunnels) {
    out.open += each.tunnels;
    const auto drain = drains.find(each.settings);
    const bool leaves = each.here && !has_member(after, each);
    if (leaves)
      out.leaving.push_back({each, drain != drains.end() ? std::optional(drain->second) : std::nullopt});
    if (after.options.update_drains_tunnels && !(leaves && drain != drains.end()))
      out.ended_by_update[drain != drains.end() ? drain->second : drain_without_draining] += each.tunnels;
  }
  return out;
}

std::string to_json(const TunnelsAfter& after, const std::vector<BehaviourChange>& changes) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("tunnels").begin_object().member("open", after.open);
  json.key("leaving").begin_array();
  for (const auto& each : after.leaving) {
    json.begin_object().member("pool", each.of.pool).member("backendSettings", each.of.settings);
    json.member("member", each.of.address).member("tunnels", each.of.tunnels).key("drainSeconds");
    if (each.over)
      json.number(static_cast<std::uint64_t>(each.over->count()));
    else
      json.null();
    json.end_object();
  }
  json.end_array().key("closedByUpdate").begin_array();
  for (const auto& [over, count] : after.ended_by_update)
    json.begin_object()
        .member("tunnels", count)
        .member("afterSeconds", static_cast<std::uint64_t>(over.count()))
        .end_object();
  json.end_array().end_object().key("changes").begin_array();
  for (const BehaviourChange& change : changes) {
    json.begin_object().member("subject", change.subject).key("property");
    change.property.empty() ? json.null() : json.string(change.property);
    json.key("before");
    change.before ? json.string(*change.before) : json.null();
    json.key("after");
    change.after ? json.string(*change.after) : json.null();
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace passerelle::control
