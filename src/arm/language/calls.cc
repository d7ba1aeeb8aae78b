// Calls: the functions that look at their operands themselves, user functions, and the way to all others.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/language/evaluator.h"
#include "arm/language/functions.h"
#include "arm/language/type_check.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::string_view_literals;

constexpr std::array own_names = {"parameters"sv,
                                  "variables"sv,
                                  "if"sv,
                                  "and"sv,
                                  "or"sv,
                                  "coalesce"sv,
                                  "tryGet"sv,
                                  "copyIndex"sv,
                                  "lambda"sv,
                                  "map"sv,
                                  "filter"sv,
                                  "reduce"sv,
                                  "sort"sv,
                                  "toObject"sv,
                                  "groupBy"sv,
                                  "mapValues"sv,
                                  "reference"sv,
                                  "resourceId"sv,
                                  "subscription"sv,
                                  "resourceGroup"sv,
                                  "deployment"sv,
                                  "environment"sv,
                                  "lambdaVariables"sv,
                                  "utcNow"sv,
                                  "newGuid"sv,
                                  "listKeys"sv,
                                  "subscriptionResourceId"sv,
                                  "extensionResourceId"sv,
                                  "tenantResourceId"sv};

std::string unknown_function(std::string_view name) {
  std::vector<std::string_view> names(own_names.begin(), own_names.end());
  for (const auto group : {text_functions(), collection_functions(), logic_functions(), number_functions(),
                           time_functions(), network_functions()}) {
    for (const Function& function : group) names.push_back(function.name);
  }
  const auto near = nearest_word(name, names);
  return near.empty() ? fmt::format("there is no template function {}()", name)
                      : fmt::format("there is no template function {}(); did you mean {}()?", name, near);
}

// These look only at the outside of an object, so its inside need not be evaluated.
bool is_shallow(const Function& function) {
  return function.name == "contains" || function.name == "empty" || function.name == "length";
}

}  // namespace

std::optional<std::string> Evaluator::name_operand(const Expression& expression, ScopeId scope,
                                                   const JsonValue& origin) {
  if (expression.operands.size() == 1) {
    Result name = force(evaluate(expression.operands[0], scope, origin));
    if (name == nullptr) return std::nullopt;
    if (name->is_string()) return name->text;
  }
  fail(origin, "InvalidTemplate", fmt::format("{}() takes one name", expression.text));
  return std::nullopt;
}

Evaluator::Result Evaluator::call(const Expression& expression, ScopeId scope, const JsonValue& origin) {
  const std::string name = lowered(expression.text);
  if (name.find('.') != std::string::npos) return user_function(expression, scope, origin);
  bool found = true;
  Result result = special_call(name, expression, scope, origin, found);
  return found ? result : plain_call(expression, scope, origin);
}

Evaluator::Result Evaluator::special_call(const std::string& name, const Expression& expression,
                                          ScopeId scope, const JsonValue& origin, bool& found) {
  const Operands operands = expression.operands;
  if (name == "parameters" || name == "variables" || name == "lambdavariables") {
    const auto wanted = name_operand(expression, scope, origin);
    if (!wanted) return nullptr;
    return name == "parameters"  ? parameter(*wanted, scope, origin)
           : name == "variables" ? variable(*wanted, scope, origin)
                                 : lambda_variable(*wanted, scope, origin);
  }
  if (name == "if") {
    if (operands.size() != 3) return fail(origin, "InvalidTemplate", "if() takes a condition and two values");
    Result condition = force(evaluate(operands[0], scope, origin));
    if (condition == nullptr) return nullptr;
    if (!condition->is(JsonValue::Kind::boolean))
      return fail(origin, "InvalidTemplate",
                  fmt::format("the condition of if() is true or false, not {}", shown(*condition)));
    return evaluate(operands[condition->boolean ? 1 : 2], scope, origin);
  }
  if (name == "and" || name == "or") return logic(name == "and", operands, scope, origin);
  if (name == "coalesce") return coalesce(operands, scope, origin);
  if (name == "tryget") return try_get(operands, scope, origin);
  if (name == "copyindex") return copy_index(expression, scope, origin);
  static constexpr std::array lambdas = {"map"sv,      "filter"sv,  "reduce"sv,   "sort"sv,
                                         "toobject"sv, "groupby"sv, "mapvalues"sv};
  if (std::ranges::find(lambdas, name) != lambdas.end()) return lambda_call(name, expression, scope, origin);
  if (name == "lambda")
    return fail(origin, "InvalidTemplate",
                "a lambda() stands only as an argument of map(), filter() and the like");
  found = false;
  return nullptr;
}

Evaluator::Result Evaluator::plain_call(const Expression& expression, ScopeId scope,
                                        const JsonValue& origin) {
  const Function* function = find_function(expression.text);
  std::vector<Result> arguments;
  for (const Expression& operand : expression.operands) {
    Result value = evaluate(operand, scope, origin);
    if (value != nullptr && function != nullptr && is_shallow(*function) && arguments.empty()) {
      value = resolve(*value);
      if (value != nullptr && !value->is_object()) value = force(value);
    } else {
      value = force(value);
    }
    if (value == nullptr) return nullptr;
    arguments.push_back(value);
  }
  if (function == nullptr) {
    bool found = true;
    Result result = place_call(lowered(expression.text), arguments, scope, origin, found);
    if (result != nullptr && secrets_seen_ &&
        std::ranges::any_of(arguments, [](Result each) { return holds_secret(*each); })) {
      kept_.push_back(*result);
      make_secret(kept_.back());
      result = &kept_.back();
    }
    return found ? result : fail(origin, "InvalidTemplate", unknown_function(expression.text));
  }
  if (arguments.size() < function->arguments_min || arguments.size() > function->arguments_max) {
    const bool range = function->arguments_min != function->arguments_max;
    return fail(origin, "InvalidTemplate",
                fmt::format("{}() takes {}{} arguments, not {}", function->name,
                            function->arguments_max == Function::any ? "at least " : "",
                            range && function->arguments_max != Function::any
                                ? fmt::format("{} to {}", function->arguments_min, function->arguments_max)
                                : fmt::format("{}", function->arguments_min),
                            arguments.size()));
  }
  // Every result is at most the sum of its arguments: what would be too much is refused before it is made.
  std::size_t sum = 0;
  for (Result argument : arguments) sum += weight(*argument);
  work_ += sum;
  if (sum > limits_.values_max || work_ > limits_.work_max) {
    (void)exhausted(origin);
    return nullptr;
  }
  FunctionCall call(arguments);
  JsonValue value = function->run(call);
  if (!call.error().empty()) {
    return fail(origin, "InvalidTemplate",
                fmt::format("{}() cannot be computed: {}", function->name, call.error()));
  }
  if (!spend(weight(value), origin)) return nullptr;
  // What a collection passes on keeps its own mark; what is made of a secret is one.
  const bool passes_on = std::ranges::any_of(collection_functions(),
                                             [&](const Function& f) { return f.name == function->name; }) &&
                         (value.is_object() || value.is(JsonValue::Kind::array));
  if (secrets_seen_ && !passes_on &&
      std::ranges::any_of(arguments, [](Result argument) { return holds_secret(*argument); }))
    make_secret(value);
  return keep(std::move(value), origin.where);
}

Evaluator::Result Evaluator::logic(bool all, Operands operands, ScopeId scope, const JsonValue& origin) {
  for (const Expression& operand : operands) {
    Result value = force(evaluate(operand, scope, origin));
    if (value == nullptr) return nullptr;
    if (!value->is(JsonValue::Kind::boolean)) {
      return fail(origin, "InvalidTemplate",
                  fmt::format("{}() takes true or false, not {}", all ? "and" : "or", shown(*value)));
    }
    if (value->boolean != all) return value;
  }
  return keep(make_boolean(all), origin.where);
}

Evaluator::Result Evaluator::coalesce(Operands operands, ScopeId scope, const JsonValue& origin) {
  for (const Expression& operand : operands) {
    Result value = evaluate(operand, scope, origin);
    if (value != nullptr) value = resolve(*value);
    if (value == nullptr || !value->is(JsonValue::Kind::null)) return value;
  }
  return keep(make_null(), origin.where);
}

Evaluator::Result Evaluator::try_get(Operands operands, ScopeId scope, const JsonValue& origin) {
  if (operands.size() < 2)
    return fail(origin, "InvalidTemplate", "tryGet() takes a value and names or indexes");
  Result at = evaluate(operands[0], scope, origin);
  for (std::size_t i = 1; i < operands.size() && at != nullptr; ++i) {
    at = resolve(*at);
    Result key = force(evaluate(operands[i], scope, origin));
    if (at == nullptr || key == nullptr) return nullptr;
    const auto index = as_integer(*key);
    const JsonValue* found = key->is_string() ? at->find(key->text) : nullptr;
    if (found == nullptr && index && *index >= 0 && *index < static_cast<std::int64_t>(at->items.size()))
      found = &at->items[static_cast<std::size_t>(*index)];
    if (found == nullptr) return keep(make_null(), origin.where);
    at = found;
  }
  return at;
}

// copyIndex([loop's name], [offset]): without a name the loop of the resource, or else the nearest.
Evaluator::Result Evaluator::copy_index(const Expression& expression, ScopeId scope,
                                        const JsonValue& origin) {
  std::string loop;
  std::int64_t offset = 0;
  for (const Expression& operand : expression.operands) {
    Result value = force(evaluate(operand, scope, origin));
    if (value == nullptr) return nullptr;
    if (value->is_string())
      loop = value->text;
    else
      offset = as_integer(*value).value_or(0);
  }
  const Scope* nearest = nullptr;
  for (ScopeId at = scope; at != evaluated; at = scopes_[at].parent) {
    const Scope& each = scopes_[at];
    if (each.kind != Scope::Kind::resource_loop && each.kind != Scope::Kind::property_loop) continue;
    if (loop.empty() ? each.kind == Scope::Kind::resource_loop : equals_ignoring_case(each.loop, loop)) {
      nearest = &each;
      break;
    }
    if (loop.empty() && nearest == nullptr) nearest = &each;
  }
  if (nearest == nullptr) {
    return fail(origin, "InvalidTemplate",
                loop.empty() ? "copyIndex() stands in no copy"
                             : fmt::format("there is no copy named '{}' around this", loop));
  }
  return keep(make_number(nearest->index + offset), origin.where);
}

// "functions": [ { "namespace": …, "members": { name: { "parameters": [ … ], "output": { "value": … } } } }
// ].
Evaluator::Result Evaluator::user_function(const Expression& expression, ScopeId scope,
                                           const JsonValue& origin) {
  const auto [space, name] = split_once(expression.text, '.');
  Deployment& deployment = deployment_of(scope);
  const JsonValue* definition = nullptr;
  if (const JsonValue* spaces = deployment.root->find("functions")) {
    for (const JsonValue& each : spaces->items) {
      const JsonValue* its_name = each.find("namespace");
      const JsonValue* members = each.find("members");
      if (its_name != nullptr && members != nullptr && equals_ignoring_case(its_name->text, space))
        definition = members->find(name);
    }
  }
  const JsonValue* output = definition != nullptr ? definition->find("output") : nullptr;
  const JsonValue* body = output != nullptr ? output->find("value") : nullptr;
  if (body == nullptr)
    return fail(origin, "InvalidTemplate",
                fmt::format("the template defines no function {}()", expression.text));
  Scope inner{Scope::Kind::function, &deployment, deployment.scope, {}, 0, {}};
  const JsonValue* parameters = definition->find("parameters");
  const std::size_t count = parameters != nullptr ? parameters->items.size() : 0;
  if (count != expression.operands.size()) {
    return fail(
        origin, "InvalidTemplate",
        fmt::format("{}() takes {} arguments, not {}", expression.text, count, expression.operands.size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    const JsonValue* parameter_name = parameters->items[i].find("name");
    Result value = force(evaluate(expression.operands[i], scope, origin));
    if (value == nullptr) return nullptr;
    TypeCheck check(*deployment.root);
    if (const auto misfit = check.check(parameters->items[i], *value,
                                        fmt::format("argument {} of {}()", i + 1, expression.text)))
      return fail(origin, "InvalidTemplate", misfit->message);
    value = kept_with_secrets(*value, check.secrets());
    inner.values.emplace_back(parameter_name != nullptr ? parameter_name->text : std::string(), value);
  }
  Result bound = clone(*body, add_scope(std::move(inner)), origin);
  return bound != nullptr ? resolve_all(*bound) : nullptr;
}

}  // namespace passerelle::arm
