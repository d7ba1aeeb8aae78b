// Which part of the REST API a request is for. Source: Microsoft.Network/applicationGateways, 2024-01-01.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "arm/document.h"

namespace passerelle::admin {

enum class ArmKind : std::uint8_t {
  gateway,
  start,
  stop,
  backend_health,
  backend_health_on_demand,
  private_link_resources,
  private_endpoint_connections,
  gateways_of_group,
  gateways_of_subscription,
  operation_status,
  operation_result,
  server_variables,
  request_headers,
  response_headers,
  waf_rule_sets,
  ssl_options,
  ssl_policies,
  ssl_policy,
  waf_manifests,
};

// A value.
struct ArmRoute {
  ArmKind kind = ArmKind::gateway;
  arm::GatewayId id;  // as far as the path has it
  std::string item;   // an operation's id, or a policy's name

  // Azure ignores case. Nothing: the API has no such path.
  [[nodiscard]] static std::optional<ArmRoute> parse(std::string_view path);
  // The method it is asked for with, besides PUT, PATCH and DELETE of a gateway.
  [[nodiscard]] std::string_view method() const;
};

// "2024-01-01", "2024-01-01-preview"
[[nodiscard]] bool is_api_version(std::string_view text);

// As Azure has them: 1 to 80 letters, digits, '_', '.' and '-', a letter or digit first, no '.' or '-' last.
[[nodiscard]] bool is_gateway_name(std::string_view name);
// Of a subscription or a resource group: 1 to 90 letters, digits, '_', '.', '-', '(' and ')', no '.' last.
[[nodiscard]] bool is_scope_name(std::string_view name);

}  // namespace passerelle::admin
