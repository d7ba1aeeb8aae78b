// Evaluates the expressions of templates, lazily: what the gateway does not reach is never looked at.
// Source: ARM template syntax, functions, copy, scopes (Azure Resource Manager documentation).
#pragma once

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "arm/language/deployment.h"
#include "arm/language/expression.h"
#include "arm/named_entries.h"
#include "arm/problem_list.h"

namespace passerelle::arm {

// What one load may take. Past it: one error, and nothing more is evaluated.
struct EvaluationLimits {
  std::size_t steps_max = 4'000'000;   // calls, properties, literals
  std::size_t values_max = 2'000'000;  // computed, in nodes; a node is of some hundred bytes
  std::size_t work_max = 50'000'000;   // nodes that functions looked at
  unsigned depth_max = 1000;           // expressions within expressions, through variables and parameters
  std::int64_t copy_count_max = 800;   // Azure's own
};

// The call as a key of the local file's "references": without blanks.
[[nodiscard]] std::string compact_call(std::string_view text);

// A resource for the time of one load, for all its templates; keeps what it computed. A result is a value
// that may hold unevaluated parts: resolve() each before looking inside, or resolve_all() once. Null: it
// failed, and that was said.
class Evaluator {
 public:
  using Result = const JsonValue*;

  Evaluator(const NamedEntries<JsonValue>& answers, ProblemList& problems);
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  // `root` must outlive this. It is bound to the deployment's scope, unless it is literal: then it holds no
  // expressions.
  Deployment& deploy(JsonValue& root, std::string name, DeploymentScope place, bool literal = false);

  // The value behind `raw`: itself, or what its expression or its `copy` yields.
  [[nodiscard]] Result resolve(const JsonValue& raw);
  // The same for everything inside.
  [[nodiscard]] Result resolve_all(const JsonValue& raw);

  // The same, saying nothing where it fails.
  [[nodiscard]] Result try_resolve_all(const JsonValue& raw);

  // All resources a deployment declares, children included, in order; loops and conditions not yet applied.
  [[nodiscard]] const std::vector<TemplateResource>& resources(Deployment& deployment);
  // Those it makes: none when its condition is false, several when it is copied.
  [[nodiscard]] std::vector<TemplateResource> instances(const TemplateResource& resource);
  // With its parents' names; nothing when it cannot be evaluated.
  [[nodiscard]] std::optional<std::string> name_of(const TemplateResource& resource);
  // The resource of the template that the id is of; nothing if it holds none.
  [[nodiscard]] std::optional<TemplateResource> find_by_id(const std::string& id);
  // The deployment that a Microsoft.Resources/deployments makes; null when its template is elsewhere.
  [[nodiscard]] Deployment* nested(const TemplateResource& resource);

  // Calls whose answer only Azure knows and the local file does not give, as written.
  [[nodiscard]] const std::vector<std::string>& unanswered() const { return unanswered_; }
  [[nodiscard]] ProblemList& problems() { return problems_; }

 private:
  struct Scope {
    enum class Kind : std::uint8_t { deployment, resource_loop, property_loop, lambda, function };
    Kind kind = Kind::deployment;
    Deployment* deployment = nullptr;
    ScopeId parent = evaluated;
    std::string loop;
    std::int64_t index = 0;
    std::vector<std::pair<std::string, Result>> values;  // of a lambda or a user function, by name
  };
  using Operands = std::span<const Expression>;

  // --- evaluator.cc ---
  Result keep(JsonValue value, Position where);
  Result fail(const JsonValue& origin, std::string code, std::string message);
  Result force(Result value);
  Result evaluate(const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result evaluate_text(const JsonValue& raw);
  Result expand_copies(const JsonValue& raw);
  Result expand_copy(const JsonValue& entry, const JsonValue& raw);
  Result compute_copy(const JsonValue& entry, const JsonValue& raw);
  void make_secret(JsonValue& value);
  Result compute_all(const JsonValue& raw);
  Result cycle(const JsonValue& raw);
  Result step(Result object, const Expression& expression, ScopeId scope, const JsonValue& origin);
  bool spend(std::size_t nodes, const JsonValue& origin);
  bool exhausted(const JsonValue& origin);
  ScopeId add_scope(Scope scope);
  Result clone(const JsonValue& raw, ScopeId scope, const JsonValue& origin);
  std::optional<std::int64_t> copy_count(const JsonValue& copy, const JsonValue& origin);
  [[nodiscard]] std::string label(const JsonValue& raw) const;

  // --- resources.cc ---
  const std::vector<Result>& copies(const TemplateResource& resource);

  // --- calls.cc: functions that look at their operands themselves ---
  Result call(const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result special_call(const std::string& name, const Expression& expression, ScopeId scope,
                      const JsonValue& origin, bool& found);
  Result plain_call(const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result user_function(const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result logic(bool all, Operands operands, ScopeId scope, const JsonValue& origin);
  Result coalesce(Operands operands, ScopeId scope, const JsonValue& origin);
  Result try_get(Operands operands, ScopeId scope, const JsonValue& origin);
  Result copy_index(const Expression& expression, ScopeId scope, const JsonValue& origin);
  std::optional<std::string> name_operand(const Expression& expression, ScopeId scope,
                                          const JsonValue& origin);

  // --- lambdas.cc ---
  Result lambda_call(const std::string& name, const Expression& expression, ScopeId scope,
                     const JsonValue& origin);
  Result invoke(const Expression& lambda, std::vector<Result> values, ScopeId scope, const JsonValue& origin);
  Result lambda_variable(const std::string& name, ScopeId scope, const JsonValue& origin);
  Result reduce(const JsonValue& array, const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result sort(const JsonValue& array, const Expression& lambda, ScopeId scope, const JsonValue& origin);
  Result map_values(const JsonValue& object, const Expression& lambda, ScopeId scope,
                    const JsonValue& origin);
  Result by_key(const JsonValue& array, const Expression& expression, ScopeId scope, const JsonValue& origin);

  // --- parameters.cc ---
  Result parameter(const std::string& name, ScopeId scope, const JsonValue& origin);
  Result parameter_value(Deployment& deployment, const std::string& name, const JsonValue& origin);
  Result given_value(const std::string& name, const JsonValue& wrapper);
  Result checked(Deployment& deployment, const std::string& name, const JsonValue& declared, Result value);
  Result kept_with_secrets(const JsonValue& value, const std::unordered_set<const JsonValue*>& secrets);
  Result variable(const std::string& name, ScopeId scope, const JsonValue& origin);
  std::optional<Result> copied_variable(const JsonValue& variables, const std::string& name);

  // --- place.cc: ids and what the place of the deployment is ---
  Result place_call(const std::string& name, std::span<const Result> arguments, ScopeId scope,
                    const JsonValue& origin, bool& found);
  Result resource_id(const std::string& name, std::span<const Result> arguments, const Deployment& deployment,
                     const JsonValue& origin);

  // --- references.cc: what only Azure, the local file or another resource of the template knows ---
  Result chain(const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result answer(const Expression& expression, ScopeId scope, const JsonValue& origin);
  Result from_template(const Expression& call, ScopeId scope, const JsonValue& origin);
  Result unknown(std::string_view call, const JsonValue& origin);
  std::optional<TemplateResource> find_resource(Deployment& deployment, const std::string& id);
  std::optional<TemplateResource> find_here(Deployment& deployment, const std::string& id);
  Result runtime_properties(const TemplateResource& resource);
  Result make_runtime(const TemplateResource& resource);
  Result full_resource(const TemplateResource& resource);
  Result all_references(const std::string& symbolic_name, Deployment& deployment, const JsonValue& origin);
  Result outputs_of(const Deployment& deployment, const JsonValue& outputs);

  Deployment& deployment_of(ScopeId scope) { return *scopes_[scope].deployment; }

  const NamedEntries<JsonValue>& answers_;
  ProblemList& problems_;
  EvaluationLimits limits_;
  std::deque<JsonValue> kept_;
  std::deque<Deployment> deployments_;
  std::deque<Scope> scopes_;
  std::unordered_map<const JsonValue*, Result> resolved_;  // under way: &under_way_value_
  std::unordered_map<const JsonValue*, Result> whole_;
  std::unordered_map<const JsonValue*, std::string> labels_;
  std::unordered_map<const JsonValue*, Deployment*> nested_;
  std::unordered_map<const JsonValue*, std::vector<Result>> copies_;
  std::unordered_map<const JsonValue*, Result> runtime_;  // what a resource is while it runs
  std::unordered_map<const Deployment*, std::vector<TemplateResource>> listed_;
  std::vector<const JsonValue*> under_way_;
  std::vector<std::string> unanswered_;
  const JsonValue under_way_value_;
  std::size_t steps_ = 0;
  std::size_t values_ = 0;
  std::size_t work_ = 0;
  unsigned depth_ = 0;
  unsigned quiet_ = 0;      // while looking around: nothing is reported, and no failure is remembered
  bool searching_ = false;  // for a resource: names and conditions may not ask for others
  bool exhausted_ = false;
  bool secrets_seen_ = false;
};

}  // namespace passerelle::arm
