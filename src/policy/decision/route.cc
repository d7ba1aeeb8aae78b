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
  out.path_rule = nullptr;
  out.to = &out.rule->otherwise;
  for (const model::PathRule& path_rule : out.rule->path_rules) {
    if (std::ranges::any_of(path_rule.paths,
                            [&](const auto& pattern) { return model::path_matches(pattern, path); })) {
      out.path_rule = &path_rule;
      out.to = &path_rule.to;
      return;
    }
    if (considered == nullptr) continue;
    std::vector<std::string_view> paths;
    for (const auto& pattern : path_rule.paths) paths.push_back(pattern.text);
    considered->push_back({out.listener, out.rule, &path_rule,
                           fmt::format("the path {} is none of {}", path, fmt::join(paths, ", "))});
  }
}

}  // namespace

Route route(const model::Gateway& gateway, model::Index frontend, const RouteRequest& request,
            std::vector<Considered>* considered) {
  Route out;
  for (const model::Index index : gateway.frontends[frontend].listeners) {
    const model::Listener& listener = gateway.listeners[index];
    const model::Rule* rule = rule_of(gateway, listener);
    if (out.listener != nullptr) {  // only to say why the rest were not asked
      considered->push_back(
          {&listener, rule, nullptr,
           takes_host(listener, request.host) ? comes_first(out) : not_for_host(listener, request.host)});
    } else if (takes_host(listener, request.host)) {
      out.listener = &listener;
      out.rule = rule;
      if (rule != nullptr) follow_rule(out, request.path, considered);
      if (considered == nullptr) return out;
    } else if (considered != nullptr) {
      considered->push_back({&listener, rule, nullptr, not_for_host(listener, request.host)});
    }
  }
  return out;
}

void route_again(Route& route, std::string_view path, std::vector<Considered>* considered) {
  follow_rule(route, path, considered);
}

}  // namespace passerelle::policy
