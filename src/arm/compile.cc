#include "arm/compile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace passerelle::arm {

const Item* Compilation::resolve(const PropertyReader& from, std::string_view property,
                                 std::string_view collection, bool required) const {
  const auto reference = from.reference(property, collection, required);
  if (!reference) return nullptr;
  return find(*reference, from.where(property), fmt::format("{}.{}", from.item().path, property), collection);
}

std::vector<const Item*> Compilation::resolve_all(const PropertyReader& from, std::string_view property,
                                                  std::string_view collection) const {
  std::vector<const Item*> out;
  for (const auto& [object, reference] : from.references(property, collection)) {
    if (const Item* item = find(reference, object.where, object.path, collection)) out.push_back(item);
  }
  return out;
}

const Item* Compilation::find(const ItemReference& reference, const Position& where, const std::string& path,
                              std::string_view collection) const {
  const std::string& name = reference.name;
  if (!resource.is_named(reference.gateway)) {
    problems.warning_once(
        where, "OtherGateway",
        fmt::format("the id names the gateway '{}', which is not this one; Azure refuses it, "
                    "here only its end is used",
                    reference.gateway),
        path);
  }
  const auto& items = resource.collection(collection);
  const auto found =
      std::ranges::find_if(items, [&](const Item& item) { return equals_ignoring_case(item.name, name); });
  if (found != items.end()) {
    if (found->name != name)
      problems.warning_once(where, "IdCase", fmt::format("'{}' is read as '{}'", name, found->name));
    return &*found;
  }
  if (resource.is_incomplete(collection)) return nullptr;
  std::vector<std::string_view> names;
  for (const Item& item : items) names.push_back(item.name);
  const auto near = nearest_word(name, names);
  problems.error(
      where, "InvalidResourceReference",
      fmt::format("there is no '{}' in {}; {}", name, collection,
                  !near.empty() ? fmt::format("did you mean '{}'?", near)
                  : names.empty()
                      ? std::string("that collection is missing: add it, or a second file that holds it")
                      : fmt::format("it holds {}", fmt::join(names, ", "))),
      path);
  return nullptr;
}

namespace {

// Said by `check` as a warning, and by `run` each time among what has no effect.
void say_uninspected(const Compilation& c, const Item& item, std::string what) {
  c.problems.warning_once(item.where, "WafNotInspecting",
                          "the template asks for a WAF and nothing inspects requests yet: they all pass",
                          item.path);
  auto& said = c.gateway.without_effect;
  if (std::ranges::find(said, what) == said.end()) said.push_back(std::move(what));
}

void refuse_waf(const Compilation& c, const Item& item, std::string_view what) {
  c.problems.error(
      item.where, "WafNotEnforced",
      fmt::format(
          "{} and nothing inspects requests yet; to load it all the same, write \"waf\": \"ignore\" in "
          "the local file",
          what),
      item.path);
}

// The older way: a configuration within the gateway.
void check_waf_configuration(const Compilation& c) {
  const Item* waf = c.resource.single("webApplicationFirewallConfiguration");
  if (waf == nullptr) return;
  const PropertyReader reader(*waf, c.problems);
  if (!reader.boolean("enabled").value_or(false)) return;
  const auto mode = reader.string("firewallMode").value_or("Detection");
  if (equals_ignoring_case(mode, "Prevention") && !c.local.ignore_waf)
    refuse_waf(c, *waf, "the template asks for a WAF in Prevention mode");
  else
    say_uninspected(
        c, *waf, fmt::format("webApplicationFirewallConfiguration ({} mode: no request is inspected)", mode));
}

// A policy, by id. One that the template does not hold may prevent: only who wrote it knows.
void check_waf_policy(const Compilation& c, const Item& reference) {
  const PropertyReader reader(reference, c.problems);
  if (c.local.ignore_waf) return say_uninspected(c, reference, "firewallPolicy (no request is inspected)");
  const auto id = reader.string("id");
  if (!id || id->empty()) return;
  const auto policy = reference.evaluator->find_by_id(*id);
  const JsonValue* raw = policy ? policy->raw->find("properties") : nullptr;
  const JsonValue* properties = raw != nullptr ? reference.evaluator->try_resolve_all(*raw) : nullptr;
  const JsonValue* settings = properties != nullptr ? properties->find("policySettings") : nullptr;
  const auto says = [&](std::string_view name, std::string_view wanted) {
    const JsonValue* value = settings != nullptr ? settings->find(name) : nullptr;
    return value != nullptr && equals_ignoring_case(value->text, wanted);
  };
  const std::string name = id->substr(id->rfind('/') + 1);
  if (says("state", "Disabled") || says("mode", "Detection"))
    return say_uninspected(c, reference, fmt::format("firewallPolicy {} (no request is inspected)", name));
  refuse_waf(
      c, reference,
      fmt::format("the template asks for the WAF policy '{}'{}", name,
                  properties == nullptr ? ", which may be in Prevention mode," : " in Prevention mode"));
}

}  // namespace

void compile_options(const Compilation& c) {
  auto& options = c.gateway.options;
  options.request_timeout_limits_tunnels = c.local.request_timeout_limits_tunnels;
  options.unhealthy_drains_tunnels = c.local.unhealthy_drains_tunnels;
  options.update_drains_tunnels = c.local.update_drains_tunnels;
  options.tunnel_idle_timeout = c.local.tunnel_idle_timeout;
  options.tunnels_to_fewest = c.local.tunnels_to_fewest;
  options.affinity_key = c.local.affinity_key;
  c.gateway.without_effect = c.resource.without_effect();

  if (const Item* global = c.resource.single("globalConfiguration")) {
    const PropertyReader reader(*global, c.problems);
    options.spool_requests = reader.boolean("enableRequestBuffering").value_or(false);
  }
  if (const Item* holder = c.resource.holder_of("enableHttp2"))
    options.http2 = PropertyReader(*holder, c.problems).boolean("enableHttp2").value_or(false);
  check_waf_configuration(c);
  if (const Item* policy = c.resource.single("firewallPolicy")) check_waf_policy(c, *policy);
  for (const std::string_view collection : {"httpListeners", "urlPathMaps"}) {
    for (const Item& item : c.resource.collection(collection)) {
      if (const auto policy = PropertyReader(item, c.problems).inner("firewallPolicy"))
        check_waf_policy(c, *policy);
      for (const Item& path_rule : inner_items(item, "pathRules", c.problems)) {
        if (const auto policy = PropertyReader(path_rule, c.problems).inner("firewallPolicy"))
          check_waf_policy(c, *policy);
      }
    }
  }
}

}  // namespace passerelle::arm
