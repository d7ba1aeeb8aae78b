#include <fmt/format.h>

#include <algorithm>

#include "arm/compile.h"
#include "arm/known_properties.h"
#include "base/host_pattern.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

const Item* item_named(const Compilation& c, std::string_view collection, std::string_view name) {
  const auto& items = c.resource.collection(collection);
  const auto found = std::ranges::find(items, name, &Item::name);
  return found == items.end() ? nullptr : &*found;
}

bool covers(const model::PathPattern& earlier, const model::PathPattern& later) {
  if (!earlier.prefix) return !later.prefix && earlier.decoded == later.decoded;
  return later.decoded.starts_with(earlier.decoded);
}

// Every path of a rule is taken by one that stands before it: the first that matches decides.
void lint_path_rules(const Compilation& c, const model::Rule& rule) {
  const Item* map = item_named(c, "urlPathMaps", rule.path_map);
  if (map == nullptr) return;
  const auto items = inner_items(*map, "pathRules", c.problems);
  for (std::size_t later = 1; later < rule.path_rules.size() && later < items.size(); ++later) {
    const auto taken = [&](const model::PathPattern& path) {
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        if (std::ranges::any_of(rule.path_rules[earlier].paths,
                                [&](const auto& other) { return covers(other, path); }))
          return true;
      }
      return false;
    };
    const auto& paths = rule.path_rules[later].paths;
    if (paths.empty() || !std::ranges::all_of(paths, taken)) continue;
    c.problems.warning(
        items[later].where, "UnreachablePathRule",
        fmt::format("the path rule '{}' can never be reached: path rules before it take {}; put it first",
                    rule.path_rules[later].name, paths.front().text),
        items[later].path);
  }
}

bool takes_all_of(const model::Listener& earlier, const model::Listener& later) {
  if (earlier.host_names.empty()) return true;
  return !later.host_names.empty() && std::ranges::all_of(later.host_names, [&](const std::string& host) {
    return std::ranges::any_of(earlier.host_names, [&](const std::string& pattern) {
      // A '?' stands for one character, never for a '*'.
      return host_matches(pattern, host) &&
             (pattern.find('?') == std::string::npos || host.find('*') == std::string::npos);
    });
  });
}

void lint_listeners(const Compilation& c, const model::Frontend& frontend) {
  for (std::size_t later = 1; later < frontend.listeners.size(); ++later) {
    const model::Listener& mine = c.gateway.listeners[frontend.listeners[later]];
    for (std::size_t earlier = 0; earlier < later; ++earlier) {
      const model::Listener& other = c.gateway.listeners[frontend.listeners[earlier]];
      if (!takes_all_of(other, mine)) continue;
      const Item* item = item_named(c, "httpListeners", mine.name);
      const model::Rule& rule = c.gateway.rules[*other.rule];
      c.problems.warning(item->where, "UnreachableListener",
                         fmt::format("the listener '{}' can never be reached: '{}', which {}, comes first{}; "
                                     "put the rule '{}' behind the rule '{}'",
                                     mine.name, other.name,
                                     other.host_names.empty() ? "takes every host" : "takes its hosts",
                                     rule.priority ? fmt::format(" by its rule's priority {}", *rule.priority)
                                                   : std::string(" in the order of the rules"),
                                     rule.name, c.gateway.rules[*mine.rule].name),
                         item->path);
      break;
    }
  }
}

// A redirect back to where the request came from, by the same path.
void lint_redirects(const Compilation& c, const model::Rule& rule) {
  if (!rule.otherwise.redirect) return;
  const model::Redirect& redirect = c.gateway.redirects[*rule.otherwise.redirect];
  if (!redirect.listener || *redirect.listener != rule.listener) return;
  const Item* item = item_named(c, "requestRoutingRules", rule.name);
  c.problems.warning(
      item->where, "RedirectLoop",
      fmt::format("the redirect '{}' leads back to the listener '{}' it came from, for ever; give it another "
                  "targetListener, or a targetUrl",
                  redirect.name, c.gateway.listeners[rule.listener].name),
      item->path);
}

// The path that every request has when the set is done with it, if it is always the same and leads to the map
// once more.
std::optional<std::string> always_reroutes_to(const model::RewriteSet& set) {
  std::optional<std::string> path;
  bool again = false;
  for (const model::RewriteRule& rule : set.rules) {
    if (!rule.conditions.empty() && rule.path) return std::nullopt;
    if (!rule.conditions.empty()) continue;
    if (rule.path) path = rule.path->constant();
    again = again || rule.reroute;
  }
  if (!again || !path) return std::nullopt;
  return path->starts_with('/') ? *path : "/" + *path;
}

const model::Destination& follow_map(const model::Rule& rule, std::string_view path) {
  for (const model::PathRule& each : rule.path_rules) {
    if (std::ranges::any_of(each.paths,
                            [&](const auto& pattern) { return model::path_matches(pattern, path); }))
      return each.to;
  }
  return rule.otherwise;
}

// Rewrites that send a request round the path map for ever, whatever the request is.
void lint_reroutes(const Compilation& c, const model::Rule& rule) {
  if (rule.path_map.empty() && rule.otherwise.rewrites) {
    const model::RewriteSet& set = c.gateway.rewrite_sets[*rule.otherwise.rewrites];
    const auto reroutes = std::ranges::find_if(set.rules, &model::RewriteRule::reroute);
    const Item* item = item_named(c, "requestRoutingRules", rule.name);
    if (reroutes != set.rules.end())
      c.problems.warning(item->where, "RewriteWithoutEffect",
                         fmt::format("the rewrite rule '{}' reroutes, and the rule '{}' has no path map to "
                                     "ask again; Azure refuses it",
                                     reroutes->name, rule.name),
                         item->path);
  }
  const auto check = [&](const model::Destination& from, std::string_view name) {
    std::vector<model::Index> seen = {from.id};
    for (const model::Destination* at = &from; at->rewrites;) {
      const model::RewriteSet& set = c.gateway.rewrite_sets[*at->rewrites];
      const auto path = always_reroutes_to(set);
      const model::Destination* next = path ? &follow_map(rule, *path) : nullptr;
      if (next == nullptr || next == at) return;
      if (std::ranges::find(seen, next->id) == seen.end()) {
        seen.push_back(next->id);
        at = next;
        continue;
      }
      const Item* item = item_named(c, "urlPathMaps", rule.path_map);
      c.problems.error(
          item->where, "RerouteLoop",
          fmt::format("every request for {} is rerouted for ever: the rewrite set '{}' leads back to where "
                      "it has been; give it a condition, or leave out \"reroute\"",
                      name, set.name),
          item->path);
      return;
    }
  };
  for (const model::PathRule& each : rule.path_rules)
    check(each.to, fmt::format("path rule '{}'", each.name));
  if (!rule.path_rules.empty()) check(rule.otherwise, "the path map's default");
}

// Members that are told another host make redirects and cookies for that one: Azure's users meet this with
// App Service.
void lint_host_override(const Compilation& c, const model::BackendGroup& group) {
  const auto& settings = group.settings;
  const auto named = std::ranges::find_if(
      group.targets, [](const model::Target& target) { return !IpAddress::parse(target.name); });
  const bool picked = settings.pick_host_from_member && named != group.targets.end();
  const bool both = settings.pick_host_from_member && !settings.host_name.empty();  // that was said
  if (both || (settings.host_name.empty() && !picked)) return;
  const Item* item = item_named(c, "backendHttpSettingsCollection", group.settings_name);
  if (item == nullptr) return;
  c.problems.warning_once(
      item->where, "HostOverride",
      fmt::format(
          "members behind the settings '{}' are asked for the host {}: redirects and cookies they make "
          "themselves will name it, and not the client's host",
          settings.name, picked ? named->name : settings.host_name),
      item->path);
}

// Only answers that no server gives to a plain GET count as healthy.
void lint_probe(const Compilation& c, const model::Probe& probe) {
  constexpr int final_min = 200, final_max = 599;
  const auto possible = [](const model::Probe::StatusRange& range) {
    return range.high >= final_min && range.low <= final_max;
  };
  const Item* item = item_named(c, "probes", probe.name);
  if (item == nullptr || probe.statuses.empty() || std::ranges::any_of(probe.statuses, possible)) return;
  c.problems.warning_once(
      item->where, "ProbeCannotSucceed",
      fmt::format("the probe '{}' only takes statuses that no answer ends with; write \"200-399\"",
                  probe.name),
      item->path);
}

// Azure's limits (behaviour sheet, section 12): a gateway may well go on beyond them here, and not there.
void check_quotas(const Compilation& c) {
  static constexpr std::pair<std::string_view, std::size_t> quotas[] = {
      {"frontendIPConfigurations", 4},        {"frontendPorts", 100},          {"httpListeners", 200},
      {"requestRoutingRules", 400},           {"backendAddressPools", 100},    {"sslCertificates", 100},
      {"backendHttpSettingsCollection", 100}, {"redirectConfigurations", 100}, {"probes", 100}};
  for (const auto& [collection, most] : quotas) {
    const auto& items = c.resource.collection(collection);
    if (items.size() <= most) continue;
    c.problems.warning(
        items[most].where, "AzureQuota",
        fmt::format("Azure takes at most {} elements of {}, these are {}", most, collection, items.size()),
        std::string(collection));
  }
  constexpr std::size_t members_max = 1200;
  for (const model::BackendGroup& group : c.gateway.groups) {
    const Item* pool = item_named(c, "backendAddressPools", group.pool);
    if (group.targets.size() <= members_max || pool == nullptr) continue;
    c.problems.warning_once(pool->where, "AzureQuota",
                            fmt::format("Azure takes at most {} members a pool, '{}' has {}", members_max,
                                        group.pool, group.targets.size()),
                            pool->path);
  }
  constexpr unsigned port_max = 64999;  // above it Azure manages the machine
  for (const model::Frontend& frontend : c.gateway.frontends) {
    if (frontend.port <= port_max) continue;
    for (const Item& item : c.resource.collection("frontendPorts")) {
      const PropertyReader reader(item, c.problems);
      const JsonValue* port = reader.value("port");
      if (port != nullptr && port->text == std::to_string(frontend.port))
        reader.warning("port", "AzureQuota",
                       fmt::format("Azure takes ports up to {}, not {}", port_max, frontend.port));
    }
  }
}

// Azure's naming rules: 1 to 80 characters, the first a letter or a digit, the last one too or '_'.
bool is_azures_name(std::string_view name) {
  constexpr std::size_t name_characters_max = 80;
  const auto is_plain = [](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9');
  };
  const auto is_inner = [&](char ch) { return is_plain(ch) || ch == '_' || ch == '.' || ch == '-'; };
  return !name.empty() && name.size() <= name_characters_max && is_plain(name.front()) &&
         (is_plain(name.back()) || name.back() == '_') && std::ranges::all_of(name, is_inner);
}

void check_names(const Compilation& c) {
  for (const KnownProperty& property : find_definition("")->properties) {
    for (const Item& item : c.resource.collection(property.name)) {
      if (is_azures_name(item.name)) continue;
      c.problems.warning(
          item.where, "InvalidResourceName",
          fmt::format(
              "Azure refuses the name '{}': 1 to 80 letters, digits, '_', '.' and '-', a letter or a digit "
              "first, and last one of these or '_'",
              item.name),
          item.path);
    }
  }
}

// Names that stand in the template where a local file may speak of them.
class LocalNames {
 public:
  explicit LocalNames(const Compilation& c) : c_(c) {}

  void add(std::string name) { names_.push_back(std::move(name)); }
  void add_collection(std::string_view collection) {
    incomplete_ = incomplete_ || c_.resource.is_incomplete(collection);
    for (const Item& item : c_.resource.collection(collection)) add(item.name);
  }
  void add_members() {
    add_collection("backendAddressPools");
    names_.clear();
    for (const Item& pool : c_.resource.collection("backendAddressPools")) {
      const JsonValue* raw = pool.properties->find("backendAddresses");
      const JsonValue* list = raw != nullptr ? pool.evaluator->try_resolve_all(*raw) : nullptr;
      incomplete_ = incomplete_ || (raw != nullptr && list == nullptr);
      if (list == nullptr) continue;
      for (const JsonValue& address : list->items) {
        for (const JsonMember& member : address.members) add(member.value.text);
      }
    }
  }

  template <class T>
  void check(const NamedEntries<T>& entries, std::string_view key, std::string_view what) {
    if (incomplete_) return;  // what is missed may be there
    for (const auto& entry : entries.entries()) {
      const std::string_view without_port =
          std::string_view(entry.pattern).substr(0, entry.pattern.rfind(':'));
      const auto known = [&](const std::string& name) {
        return glob_matches(entry.pattern, name) || glob_matches(without_port, name);
      };
      if (entry.pattern.find('*') != std::string::npos || std::ranges::any_of(names_, known)) continue;
      const auto near = nearest_word(entry.pattern, names_);
      c_.problems.warning(
          entry.where, "UnusedLocalEntry",
          fmt::format("the template has no {} '{}'{}", what, entry.pattern,
                      near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)),
          std::string(key));
    }
  }

 private:
  const Compilation& c_;
  std::vector<std::string> names_;
  bool incomplete_ = false;
};

}  // namespace

void lint(const Compilation& c) {
  check_quotas(c);
  check_names(c);
  for (const model::Rule& rule : c.gateway.rules) {
    lint_path_rules(c, rule);
    lint_redirects(c, rule);
    lint_reroutes(c, rule);
  }
  for (const model::Frontend& frontend : c.gateway.frontends) lint_listeners(c, frontend);
  for (const model::BackendGroup& group : c.gateway.groups) {
    lint_host_override(c, group);
    lint_probe(c, group.settings.probe);
  }
}

void check_local_names(const Compilation& c) {
  LocalNames frontends(c), ports(c), pools(c), members(c), certificates(c), pages(c), listeners(c);
  frontends.add_collection("frontendIPConfigurations");
  frontends.check(c.local.frontend_ips, "frontendIPConfigurations", "frontend IP configuration");
  ports.add_collection("frontendPorts");
  for (const model::Frontend& frontend : c.gateway.frontends) ports.add(std::to_string(frontend.port));
  for (const Item& item : c.resource.collection("frontendPorts")) {
    const JsonValue* raw = item.properties->find("port");
    const JsonValue* number = raw != nullptr ? item.evaluator->try_resolve_all(*raw) : nullptr;
    if (number != nullptr) ports.add(number->text);
  }
  ports.check(c.local.frontend_ports, "frontendPorts", "frontend port");
  pools.add_collection("backendAddressPools");
  pools.check(c.local.backend_pools, "backendPools", "backend pool");
  members.add_members();
  members.check(c.local.backend_addresses, "backendAddresses", "backend address");
  listeners.add_collection("httpListeners");
  listeners.check(c.local.listeners, "httpListeners", "listener");
  certificates.add_collection("sslCertificates");
  certificates.check(c.local.certificates, "sslCertificates", "certificate");
  for (const model::ErrorPage& page : c.gateway.error_pages)
    pages.add(fmt::format("HttpStatus{}", page.status));
  for (const model::Listener& listener : c.gateway.listeners) {
    for (const model::ErrorPage& page : listener.error_pages)
      pages.add(fmt::format("HttpStatus{}", page.status));
  }
  pages.check(c.local.error_pages, "customErrorPages", "custom error page");
}

}  // namespace passerelle::arm
