// What the REST API answers, as HTTP: errors in Azure's shape, health, and the lists of what there is.
// Source: Microsoft.Network/applicationGateways, 2024-01-01, and its examples.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/arm_route.h"
#include "admin/observed.h"
#include "base/problem.h"
#include "http/server.h"

namespace passerelle::admin {

// {"code", "message", "details": [ … ]}
[[nodiscard]] std::string error_object(std::string_view code, std::string_view message);
// Of the errors among the problems, the first first.
[[nodiscard]] std::string error_object(const Problems& problems);
// {"error": { … }} of such an object.
[[nodiscard]] http::Response error_answer(int status, std::string_view object);
[[nodiscard]] http::Response json_answer(int status, std::string body);

// What health is shown under, and how much of it is written out.
struct HealthScope {
  std::string_view resource_id;
  std::string_view answered;  // the resource as a GET answers it
  std::string expand;         // $expand: BackendAddressPool, BackendHttpSettings
};
[[nodiscard]] std::string backend_health(const model::Gateway& gateway,
                                         const std::vector<board::Group>& groups, const HealthScope& scope);
[[nodiscard]] std::string backend_health_on_demand(const model::BackendGroup& group,
                                                   const std::vector<ProbedMember>& members,
                                                   const HealthScope& scope);

// Of the Available… lists; nothing where the route is none of them. A policy that does not exist is a 404.
[[nodiscard]] std::optional<http::Response> list_of(const ArmRoute& route);

}  // namespace passerelle::admin
