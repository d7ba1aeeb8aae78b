#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "arm/compile.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

// Names of the properties that lead somewhere: a rule's and a path rule's own, and a map's default ones.
struct LeadsTo {
  std::string_view pool, settings, redirect, rewrites, distribution;
};
constexpr LeadsTo own{"backendAddressPool", "backendHttpSettings", "redirectConfiguration", "rewriteRuleSet",
                      "loadDistributionPolicy"};
constexpr LeadsTo by_default{"defaultBackendAddressPool", "defaultBackendHttpSettings",
                             "defaultRedirectConfiguration", "defaultRewriteRuleSet",
                             "defaultLoadDistributionPolicy"};

// The pool, or the policy that stands in its place. Nothing: it cannot be used, and that was said.
std::optional<GroupSource> read_source(const Compilation& c, const PropertyReader& reader,
                                       const LeadsTo& names) {
  if (reader.failed(names.distribution)) return std::nullopt;
  if (reader.value(names.distribution) == nullptr) {
    const Item* pool = c.resolve(reader, names.pool, "backendAddressPools", true);
    if (pool == nullptr) return std::nullopt;
    return GroupSource{pool->name, false, {}, {{pool, 1}}};
  }
  if (reader.value(names.pool) != nullptr) {
    reader.error(names.distribution, "InvalidRequestFormat",
                 fmt::format("{} and {} exclude each other; remove one", names.pool, names.distribution));
    return std::nullopt;
  }
  const Item* policy = c.resolve(reader, names.distribution, "loadDistributionPolicies", true);
  return policy != nullptr ? read_load_distribution(c, *policy) : std::nullopt;
}

// False: it names none that can be used, and that was said.
bool read_rewrites(const Compilation& c, const PropertyReader& reader, const LeadsTo& names,
                   model::Destination& out) {
  if (reader.value(names.rewrites) == nullptr) return !reader.failed(names.rewrites);
  const Item* item = c.resolve(reader, names.rewrites, "rewriteRuleSets", true);
  if (item == nullptr) return false;
  const auto found = std::ranges::find(c.gateway.rewrite_sets, item->name, &model::RewriteSet::name);
  if (found == c.gateway.rewrite_sets.end()) return false;
  if (out.redirect) {
    reader.warning(names.rewrites, "RewriteWithoutEffect",
                   "a redirect is the gateway's own answer, which no rewrite touches");
    return true;
  }
  out.rewrites = static_cast<model::Index>(found - c.gateway.rewrite_sets.begin());
  return true;
}

// Nothing: it cannot be known, and that was said.
std::optional<model::Destination> read_destination(const Compilation& c, const PropertyReader& reader,
                                                   const LeadsTo& names) {
  const bool redirects = reader.value(names.redirect) != nullptr || reader.failed(names.redirect);
  const bool forwards = reader.value(names.pool) != nullptr || reader.value(names.settings) != nullptr ||
                        reader.value(names.distribution) != nullptr || reader.failed(names.pool) ||
                        reader.failed(names.settings);
  model::Destination out;
  if (redirects && forwards) {
    reader.error(names.redirect, "ApplicationGatewayRequestRoutingRuleRedirectAndBackend",
                 fmt::format("{} excludes {} and {}; remove one or the other", names.redirect, names.pool,
                             names.settings));
    return std::nullopt;
  }
  if (redirects) {
    const Item* item = c.resolve(reader, names.redirect, "redirectConfigurations", true);
    if (item == nullptr) return std::nullopt;
    const auto found = std::ranges::find(c.gateway.redirects, item->name, &model::Redirect::name);
    if (found == c.gateway.redirects.end()) return std::nullopt;  // its own problem was said
    out.redirect = static_cast<model::Index>(found - c.gateway.redirects.begin());
  } else {
    const auto source = read_source(c, reader, names);
    const Item* settings = c.resolve(reader, names.settings, "backendHttpSettingsCollection", true);
    if (!source || settings == nullptr) return std::nullopt;
    out.group = compile_group(c, *source, *settings);
    if (!out.group) return std::nullopt;
  }
  if (!read_rewrites(c, reader, names, out)) return std::nullopt;
  out.id = c.gateway.destinations++;
  return out;
}

std::vector<model::PathPattern> read_paths(const Compilation& c, const PropertyReader& reader) {
  std::vector<model::PathPattern> out;
  const JsonValue* list = reader.value("paths");
  if (list == nullptr || !list->is(JsonValue::Kind::array) || list->items.empty()) {
    if (!reader.failed("paths"))
      reader.error("paths", "ApplicationGatewayPathRulePathShouldHaveNonEmptyMatchValue",
                   "a path rule has at least one path; write \"paths\": [ \"/images/*\" ]");
    return out;
  }
  for (const JsonValue& raw : list->items) {
    const JsonValue* path = reader.item().evaluator->resolve(raw);
    if (path == nullptr) continue;
    const std::string wrong =
        path->is_string() ? model::path_pattern_error(path->text) : "a path is a string";
    if (wrong.empty()) {
      out.push_back(model::make_path_pattern(path->text));
      continue;
    }
    c.problems.error(path->where,
                     path->text.empty() ? "ApplicationGatewayPathRulePathShouldHaveNonEmptyMatchValue"
                                        : "ApplicationGatewayPathRuleInvalidCharacter",
                     fmt::format("the path '{}': {}", path->text, wrong), reader.item().path + ".paths");
  }
  return out;
}

// False: it cannot be used, and that was said.
bool read_path_map(const Compilation& c, const Item& map, model::Rule& rule) {
  const PropertyReader reader(map, c.problems);
  const auto otherwise = read_destination(c, reader, by_default);
  bool good = otherwise.has_value();
  if (good) rule.otherwise = *otherwise;
  rule.path_map = map.name;
  const auto items = inner_items(map, "pathRules", c.problems);
  constexpr std::size_t path_rules_max = 100;
  if (items.size() > path_rules_max)
    reader.warning(
        "pathRules", "AzureQuota",
        fmt::format("Azure takes at most {} path rules a map, these are {}", path_rules_max, items.size()));
  if (items.empty() && !reader.failed("pathRules")) {
    reader.error(
        "pathRules", "ApplicationGatewayUrlPathMapPathRulesMustBeSpecified",
        fmt::format("the path map '{}' has no pathRules; add one, or make the rule a Basic one", map.name));
    good = false;
  }
  for (const Item& item : items) {
    const PropertyReader inner(item, c.problems);
    model::PathRule path_rule;
    path_rule.name = item.name;
    path_rule.paths = read_paths(c, inner);
    const auto to = read_destination(c, inner, own);
    good = good && to && !path_rule.paths.empty();
    if (to) path_rule.to = *to;
    rule.path_rules.push_back(std::move(path_rule));
  }
  return good;
}

// An http or https URL with a host, of printable ASCII, and without a fragment: path and query are added
// behind it.
bool is_redirect_url(std::string_view url) {
  const bool scheme = starts_with_ignoring_case(url, "http://") || starts_with_ignoring_case(url, "https://");
  const auto host = scheme ? url.substr(url.find("://") + 3) : std::string_view();
  const auto is_legal = [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("\"<>#\\^`{|}").find(c) == std::string_view::npos;
  };
  return !host.empty() && std::string_view("/?:").find(host.front()) == std::string_view::npos &&
         std::ranges::all_of(url, is_legal);
}

std::optional<int> redirect_status(const PropertyReader& reader) {
  const auto type = reader.string("redirectType");
  if (reader.failed("redirectType")) return std::nullopt;
  static constexpr std::pair<std::string_view, int> types[] = {
      {"Permanent", 301}, {"Found", 302}, {"SeeOther", 303}, {"Temporary", 307}};
  for (const auto& [name, status] : types) {
    if (type && equals_ignoring_case(*type, name)) return status;
  }
  reader.error("redirectType", "InvalidRequestFormat",
               "a redirectType is \"Permanent\", \"Found\", \"SeeOther\" or \"Temporary\"");
  return std::nullopt;
}

// False: it cannot be used, and that was said.
bool bind_listener(const Compilation& c, const PropertyReader& reader, model::Rule& rule) {
  const Item* item = c.resolve(reader, "httpListener", "httpListeners", true);
  if (item == nullptr) return false;
  const auto bound = std::ranges::find(c.gateway.listeners, item->name, &model::Listener::name);
  if (bound == c.gateway.listeners.end()) return false;  // its own problem was said
  rule.listener = static_cast<model::Index>(bound - c.gateway.listeners.begin());
  if (!bound->rule) return true;
  reader.error("httpListener", "ApplicationGatewayHttpListenerReferencedByMultipleRules",
               fmt::format("the rules '{}' and '{}' are bound to the same listener '{}'; give each its own",
                           c.gateway.rules[*bound->rule].name, rule.name, item->name));
  return false;
}

// Priorities: all or none, and each once (section 2.3).
void check_priorities(const Compilation& c, const std::vector<Item>& rules) {
  std::map<std::uint32_t, std::string> seen;
  std::size_t with_priority = 0;
  for (const Item& item : rules) {
    const PropertyReader reader(item, c.problems);
    if (reader.value("priority") == nullptr && !reader.failed("priority")) continue;
    ++with_priority;
    const JsonValue* value = reader.value("priority");
    const auto number = value != nullptr ? parse_decimal<std::uint32_t>(value->text) : std::nullopt;
    if (!number) continue;
    const auto [earlier, fresh] = seen.try_emplace(*number, item.name);
    if (fresh) continue;
    reader.error("priority", "ApplicationGatewayRequestRoutingRulesHaveSamePriority",
                 fmt::format("the rules '{}' and '{}' have the same priority {}; give each its own",
                             earlier->second, item.name, *number));
  }
  // Dates as Azure writes them compare as texts.
  constexpr std::string_view required_since = "2021-08-01";
  if (with_priority == 0 && !rules.empty() && c.resource.api_version() >= required_since) {
    c.problems.error(
        rules.front().where, "ApplicationGatewayRequestRoutingRulePriorityCannotBeEmpty",
        fmt::format(
            "from apiVersion {} on each rule has a priority, and '{}' has none; write \"priority\": 100",
            required_since, rules.front().name),
        rules.front().path + ".priority");
  }
  if (with_priority == 0 || with_priority == rules.size()) return;
  c.problems.error(rules.front().where, "ApplicationGatewayRequestRoutingRulePartialPriorityDefined",
                   "some rules have a priority and some have none; give one to each, or to none",
                   "requestRoutingRules");
}

// What is wrong with a path map that no rule uses is said all the same.
void check_unused_path_maps(const Compilation& c) {
  for (const Item& item : c.resource.collection("urlPathMaps")) {
    if (std::ranges::find(c.gateway.rules, item.name, &model::Rule::path_map) != c.gateway.rules.end())
      continue;
    model::Rule scratch;
    const model::Index destinations = c.gateway.destinations;
    (void)read_path_map(c, item, scratch);
    c.gateway.destinations = destinations;
  }
}

}  // namespace

void compile_redirects(const Compilation& c) {
  for (const Item& item : c.resource.collection("redirectConfigurations")) {
    const PropertyReader reader(item, c.problems);
    model::Redirect redirect;
    redirect.name = item.name;
    const auto status = redirect_status(reader);
    redirect.include_path = reader.boolean("includePath").value_or(false);
    redirect.include_query = reader.boolean("includeQueryString").value_or(false);
    const bool to_listener = reader.value("targetListener") != nullptr || reader.failed("targetListener");
    const auto url = reader.string("targetUrl");
    const bool to_url = (url && !url->empty()) || reader.failed("targetUrl");
    if (to_listener == to_url) {
      c.problems.error(item.where, "ApplicationGatewayRedirectConfigurationTarget",
                       fmt::format("the redirect '{}' has {}; give it exactly one", item.name,
                                   to_listener ? "a targetListener and a targetUrl"
                                               : "neither targetListener nor targetUrl"),
                       item.path);
      continue;
    }
    if (to_listener) {
      const Item* target = c.resolve(reader, "targetListener", "httpListeners", true);
      if (target == nullptr) continue;
      const auto found = std::ranges::find(c.gateway.listeners, target->name, &model::Listener::name);
      if (found == c.gateway.listeners.end()) continue;  // its own problem was said
      redirect.listener = static_cast<model::Index>(found - c.gateway.listeners.begin());
      const bool unclear =
          found->host_names.size() > 1 ||
          (found->host_names.size() == 1 && found->host_names[0].find_first_of("*?") != std::string::npos);
      if (unclear) {
        reader.error(
            "targetListener", "ApplicationGatewayRedirectTargetListenerHasWildcardHostNames",
            fmt::format(
                "the target listener '{}' has several host names or wildcards, so it is not clear where to "
                "redirect to; give a listener with one hostName, or a targetUrl",
                target->name));
        continue;
      }
    } else if (url) {
      const bool legal = is_redirect_url(*url);
      if (!legal) {
        reader.error("targetUrl", "InvalidRequestFormat",
                     fmt::format("'{}' is no URL to redirect to; write \"https://host/path\"", *url));
        continue;
      }
      redirect.url = *url;
    } else {
      continue;
    }
    if (!status) continue;
    redirect.status = *status;
    c.gateway.redirects.push_back(std::move(redirect));
  }
}

void compile_rules(const Compilation& c) {
  const auto& rules = c.resource.collection("requestRoutingRules");
  for (const Item& item : rules) {
    const PropertyReader reader(item, c.problems);
    model::Rule rule;
    rule.name = item.name;
    rule.priority = reader.number("priority", 1, 20000);
    const auto type = reader.string("ruleType").value_or("Basic");
    const bool by_path = equals_ignoring_case(type, "PathBasedRouting");
    if (!by_path && !equals_ignoring_case(type, "Basic")) {
      reader.error("ruleType", "InvalidRequestFormat",
                   fmt::format("a ruleType is \"Basic\" or \"PathBasedRouting\", not '{}'", type));
      continue;
    }
    const bool bound = bind_listener(c, reader, rule);
    bool leads = true;
    if (by_path) {
      const Item* map = c.resolve(reader, "urlPathMap", "urlPathMaps", true);
      leads = map != nullptr && read_path_map(c, *map, rule);
    } else {
      const auto to = read_destination(c, reader, own);
      leads = to.has_value();
      if (to) rule.otherwise = *to;
    }
    if (!bound || !leads) continue;
    c.gateway.listeners[rule.listener].rule = c.gateway.rules.size();
    c.gateway.rules.push_back(std::move(rule));
  }
  check_priorities(c, rules);
  check_unused_path_maps(c);
}

void order_listeners(const Compilation& c) {
  std::vector<model::Index> order(c.gateway.rules.size());
  std::iota(order.begin(), order.end(), model::Index{0});
  std::ranges::sort(order, {},
                    [&](model::Index i) { return std::pair(c.gateway.rules[i].priority.value_or(0), i); });
  for (const model::Index i : order) {
    const model::Index listener = c.gateway.rules[i].listener;
    if (c.gateway.listeners[listener].disabled) continue;
    c.gateway.frontends[c.gateway.listeners[listener].frontend].listeners.push_back(listener);
  }
}

}  // namespace passerelle::arm
