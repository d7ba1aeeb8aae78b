#include "arm/compile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace passerelle::arm {

const Item* Compilation::resolve(const PropertyReader& from, std::string_view property,
                                 std::string_view collection, bool required) const {
  const auto name = from.reference(property, collection, required);
  if (!name) return nullptr;
  const auto& items = resource.collection(collection);
  const auto found =
      std::ranges::find_if(items, [&](const Item& item) { return equals_ignoring_case(item.name, *name); });
  if (found != items.end()) {
    if (found->name != *name) {
      problems.warning_once(from.where(property), "IdCase",
                            fmt::format("'{}' is read as '{}'", *name, found->name));
    }
    return &*found;
  }
  std::vector<std::string_view> names;
  for (const Item& item : items) names.push_back(item.name);
  const auto near = nearest_word(*name, names);
  from.error(
      property, "InvalidResourceReference",
      fmt::format("there is no '{}' in {}; {}", *name, collection,
                  !near.empty() ? fmt::format("did you mean '{}'?", near)
                  : names.empty()
                      ? std::string("that collection is missing: add it, or a second file that holds it")
                      : fmt::format("it holds {}", fmt::join(names, ", "))));
  return nullptr;
}

void compile_rules(const Compilation& c) {
  const auto& rules = c.resource.collection("requestRoutingRules");
  std::size_t with_priority = 0;
  for (const Item& item : rules) {
    const PropertyReader reader(item, c.problems);
    model::Rule rule;
    rule.name = item.name;
    rule.priority = reader.number("priority", 1, 20000);
    if (rule.priority) ++with_priority;
    if (const auto type = reader.string("ruleType"); type && !equals_ignoring_case(*type, "Basic")) {
      reader.error("ruleType", "NotSupportedYet",
                   fmt::format("the rule type '{}' is not supported yet; \"Basic\" is", *type));
      continue;
    }
    const Item* listener = c.resolve(reader, "httpListener", "httpListeners", true);
    const Item* pool = c.resolve(reader, "backendAddressPool", "backendAddressPools", true);
    const Item* settings = c.resolve(reader, "backendHttpSettings", "backendHttpSettingsCollection", true);
    if (listener == nullptr || pool == nullptr || settings == nullptr) continue;
    const auto bound = std::ranges::find(c.gateway.listeners, listener->name, &model::Listener::name);
    if (bound == c.gateway.listeners.end()) continue;  // its own problem was reported
    rule.listener = static_cast<model::Index>(bound - c.gateway.listeners.begin());
    if (const auto* other = c.gateway.rule_of(rule.listener)) {
      reader.error(
          "httpListener", "ApplicationGatewayHttpListenerReferencedByMultipleRules",
          fmt::format("the rules '{}' and '{}' are bound to the same listener '{}'; give each its own",
                      other->name, rule.name, listener->name));
      continue;
    }
    const auto group = compile_group(c, *pool, *settings);
    if (!group) continue;
    rule.group = *group;
    c.gateway.rules.push_back(std::move(rule));
  }
  if (with_priority != 0 && with_priority != rules.size()) {
    c.problems.error(rules.front().where, "ApplicationGatewayRequestRoutingRulePartialPriorityDefined",
                     "some rules have a priority and some have none; give one to each, or to none",
                     "requestRoutingRules");
  }
}

void compile_options(const Compilation& c) {
  auto& options = c.gateway.options;
  options.request_timeout_limits_tunnels = c.local.request_timeout_limits_tunnels;
  options.unhealthy_drains_tunnels = c.local.unhealthy_drains_tunnels;
  options.update_drains_tunnels = c.local.update_drains_tunnels;
  options.tunnel_idle_timeout = c.local.tunnel_idle_timeout;
  c.gateway.without_effect = c.resource.without_effect();

  const Item* waf = c.resource.single("webApplicationFirewallConfiguration");
  if (waf == nullptr) return;
  Item item = *waf;
  item.properties = waf->properties;
  const PropertyReader reader(item, c.problems);
  if (!reader.boolean("enabled").value_or(false)) return;
  const auto mode = reader.string("firewallMode").value_or("Detection");
  if (equals_ignoring_case(mode, "Prevention") && !c.local.ignore_waf) {
    c.problems.error(item.where, "WafNotEnforced",
                     "the template asks for a WAF in Prevention mode and nothing inspects requests yet; to "
                     "load it all the same, "
                     "write \"waf\": \"ignore\" in the local file",
                     item.path);
  } else {
    c.gateway.without_effect.push_back(
        fmt::format("webApplicationFirewallConfiguration ({} mode: no request is inspected)", mode));
  }
}

}  // namespace passerelle::arm
