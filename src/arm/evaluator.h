// Evaluates the expressions of one template, lazily: what the gateway does not reach is never looked at.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "arm/expression.h"
#include "arm/json_value.h"
#include "arm/problem_list.h"

namespace passerelle::arm {

// What subscription() and resourceGroup() yield. The defaults are fixed, so that ids are the same everywhere.
struct DeploymentScope {
  std::string subscription = "00000000-0000-0000-0000-000000000000";
  std::string resource_group = "passerelle";
  std::string location = "local";
};

// A resource for the time of one load; keeps what it computed. `parameters`: given values by name, later
// wins.
class Evaluator {
 public:
  Evaluator(const JsonValue* root, std::vector<const JsonMember*> parameters, const DeploymentScope& scope,
            ProblemList& problems)
      : root_(root), parameters_(std::move(parameters)), scope_(scope), problems_(problems) {}

  // The value behind `raw`: itself, or what its expression yields. Null when that failed, which was reported.
  [[nodiscard]] const JsonValue* resolve(const JsonValue& raw);

  // The same for everything inside: for objects and arrays used as values.
  [[nodiscard]] const JsonValue* resolve_all(const JsonValue& raw);

 private:
  using Value = std::optional<JsonValue>;
  const JsonValue* keep(JsonValue value);
  Value evaluate(const Expression& expression, const JsonValue& origin);
  Value call(const Expression& expression, const JsonValue& origin);
  Value parameter(const std::string& name, const JsonValue& origin);
  Value variable(const std::string& name, const JsonValue& origin);
  Value concat(std::vector<JsonValue> arguments, const JsonValue& origin);
  Value resource_id(const std::vector<JsonValue>& arguments, const JsonValue& origin);
  Value scope_object(bool group, const JsonValue& origin) const;
  std::nullopt_t fail(const JsonValue& origin, std::string code, std::string message);

  const JsonValue* root_;
  std::vector<const JsonMember*> parameters_;
  DeploymentScope scope_;
  ProblemList& problems_;
  std::deque<JsonValue> kept_;
  std::map<const JsonValue*, const JsonValue*> resolved_;
  std::vector<std::string> under_way_;  // names being evaluated: a name that comes again is a cycle
};

}  // namespace passerelle::arm
