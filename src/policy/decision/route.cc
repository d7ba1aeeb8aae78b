#include "policy/decision/route.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/host_pattern.h"

namespace passerelle::policy {
namespace {

bool takes_host(const model::Listener& listener, std::string_view host) {
  return listener.host_names.empty() ||
         std::ranges::any_of(listener.host_names,
                             [&](const std::string& pattern) { return host_matches(pattern, host); });
}

const model::Rule* rule_of(const model::Gateway& gateway, const model::Listener& listener) {
  return listener.rule ? &gateway.rules[*listener.rule] : nullptr;
}

std::string not_for_host(const model::Listener& listener, std::string_view host) {
  return fmt::format("the host {} is none of {}", host, fmt::join(listener.host_names, ", "));
}

std::string comes_first(const Route& winner) {
  const bool has_priority = winner.rule != nullptr && winner.rule->priority;
  return fmt::format(
      "'{}' comes first{}", winner.listener->name,
      has_priority ? fmt::format(", by its rule's priority {}", *winner.rule->priority) : std::string());
}

void follow_rule(Route& out, std::string_view path, std::vector<Considered>* considered) {
  const auto& path_rules = out.rule->path_rules;
  const auto found = out.rule->paths.find(path);
  out.path_rule = found ? &path_rules[*found] : nullptr;
  out.to = found ? &path_rules[*found].to : &out.rule->otherwise;
  if (considered == nullptr) return;
  for (std::size_t i = 0; i < found.value_or(path_rules.size()); ++i) {
    std::vector<std::string_view> paths;
    for (const auto& pattern : path_rules[i].paths) paths.push_back(pattern.text);
    considered->push_back({out.listener, out.rule, &path_rules[i],
                           fmt::format("the path {} is none of {}", path, fmt::join(paths, ", "))});
  }
}

void note_others(const model::Gateway& gateway, const model::Frontend& frontend, const Route& winner,
                 std::string_view host, bool before, std::vector<Considered>& considered) {
  bool passed = false;
  for (const model::Index index : frontend.listeners) {
    const model::Listener& listener = gateway.listeners[index];
    if (&listener == winner.listener) {
      passed = true;
    } else if (before ? !passed : passed) {
      considered.push_back({&listener, rule_of(gateway, listener), nullptr,
                            takes_host(listener, host) ? comes_first(winner) : not_for_host(listener, host)});
    }
  }
}

}  // namespace

Route route(const model::Gateway& gateway, model::Index frontend_index, const RouteRequest& request,
            std::vector<Considered>* considered) {
  const model::Frontend& frontend = gateway.frontends[frontend_index];
  Route out;
  if (const auto found = frontend.hosts.find(request.host)) {
    out.listener = &gateway.listeners[frontend.listeners[*found]];
    out.rule = rule_of(gateway, *out.listener);
  }
  if (considered != nullptr) note_others(gateway, frontend, out, request.host, true, *considered);
  if (out.rule != nullptr) follow_rule(out, request.path, considered);
  if (considered != nullptr && out.listener != nullptr)
    note_others(gateway, frontend, out, request.host, false, *considered);
  return out;
}

void route_again(Route& route, std::string_view path, std::vector<Considered>* considered) {
  follow_rule(route, path, considered);
}

}  // namespace passerelle::policy
