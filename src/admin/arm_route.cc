#include "admin/arm_route.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace passerelle::admin {
namespace {

struct Pattern {
  std::string_view path;  // {s}, {g}, {n}: of the gateway's id; {l}: a location, any; {i}: the item
  ArmKind kind;
};

constexpr std::array patterns = {
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}",
            ArmKind::gateway},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}/start",
            ArmKind::start},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}/stop",
            ArmKind::stop},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}/"
            "backendhealth",
            ArmKind::backend_health},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}/"
            "getBackendHealthOnDemand",
            ArmKind::backend_health_on_demand},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}/"
            "privateLinkResources",
            ArmKind::private_link_resources},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways/{n}/"
            "privateEndpointConnections",
            ArmKind::private_endpoint_connections},
    Pattern{"subscriptions/{s}/resourceGroups/{g}/providers/Microsoft.Network/applicationGateways",
            ArmKind::gateways_of_group},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGateways",
            ArmKind::gateways_of_subscription},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/locations/{l}/operations/{i}",
            ArmKind::operation_status},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/locations/{l}/operationResults/{i}",
            ArmKind::operation_result},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableServerVariables",
            ArmKind::server_variables},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableRequestHeaders",
            ArmKind::request_headers},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableResponseHeaders",
            ArmKind::response_headers},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableWafRuleSets",
            ArmKind::waf_rule_sets},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableSslOptions/default",
            ArmKind::ssl_options},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableSslOptions/default/"
            "predefinedPolicies",
            ArmKind::ssl_policies},
    Pattern{"subscriptions/{s}/providers/Microsoft.Network/applicationGatewayAvailableSslOptions/default/"
            "predefinedPolicies/{i}",
            ArmKind::ssl_policy},
    Pattern{
        "subscriptions/{s}/providers/Microsoft.Network/locations/{l}/applicationGatewayWafDynamicManifests",
        ArmKind::waf_manifests},
};

bool matches(std::string_view pattern, std::string_view path, ArmRoute& out) {
  while (!pattern.empty() && !path.empty()) {
    const auto [expected, pattern_rest] = split_once(pattern, '/');
    const auto [word, path_rest] = split_once(path, '/');
    if (pattern_rest.empty() != path_rest.empty() || word.empty()) return false;
    if (!expected.starts_with('{')) {
      if (!equals_ignoring_case(expected, word)) return false;
    } else if (expected != "{l}") {
      std::string& part = expected == "{s}"   ? out.id.subscription
                          : expected == "{g}" ? out.id.resource_group
                          : expected == "{n}" ? out.id.name
                                              : out.item;
      part = percent_decoded(word);
      // What a header or an id could not hold is nobody's name.
      if (std::ranges::any_of(part, [](char c) { return c < ' ' || c >= 0x7f || c == '/' || c == '%'; }))
        return false;
    }
    pattern = pattern_rest;
    path = path_rest;
  }
  return pattern.empty() && path.empty();
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

}  // namespace

std::optional<ArmRoute> ArmRoute::parse(std::string_view path) {
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  for (const Pattern& pattern : patterns) {
    ArmRoute out;
    if (!matches(pattern.path, path, out)) continue;
    out.kind = pattern.kind;
    return out;
  }
  return std::nullopt;
}

std::string_view ArmRoute::method() const {
  switch (kind) {
    case ArmKind::start:
    case ArmKind::stop:
    case ArmKind::backend_health:
    case ArmKind::backend_health_on_demand: return "POST";
    default: return "GET";
  }
}

bool is_api_version(std::string_view text) {
  constexpr std::string_view shape = "0000-00-00";
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == '0' ? !digit : text[i] != '-') return false;
  }
  text.remove_prefix(shape.size());
  return text.empty() || equals_ignoring_case(text, "-preview");
}

bool is_gateway_name(std::string_view name) {
  constexpr std::size_t bytes_max = 80;
  if (name.empty() || name.size() > bytes_max || !is_letter_or_digit(name.front())) return false;
  if (name.back() == '.' || name.back() == '-') return false;
  return std::ranges::all_of(
      name, [](char c) { return is_letter_or_digit(c) || c == '_' || c == '.' || c == '-'; });
}

bool is_scope_name(std::string_view name) {
  constexpr std::size_t bytes_max = 90;
  if (name.empty() || name.size() > bytes_max || name.back() == '.') return false;
  return std::ranges::all_of(name, [](char c) {
    return is_letter_or_digit(c) || std::string_view("_.-()").find(c) != std::string_view::npos;
  });
}

}  // namespace passerelle::admin
