// parameters() and variables(): given values, defaults, types and ranges.
#include <fmt/format.h>

#include <algorithm>

#include "arm/language/evaluator.h"
#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

// The declared type, through "$ref": "#/definitions/NAME" (languageVersion 2.0).
const JsonValue& definition_of(const JsonValue& root, const JsonValue& declared) {
  const JsonValue* at = &declared;
  for (int hops = 0; hops < 10; ++hops) {
    const JsonValue* reference = at->find("$ref");
    if (reference == nullptr || !reference->is_string()) break;
    const JsonValue* definitions = root.find("definitions");
    const auto slash = reference->text.rfind('/');
    const JsonValue* next = definitions != nullptr && slash != std::string::npos
                                ? definitions->find(reference->text.substr(slash + 1))
                                : nullptr;
    if (next == nullptr) break;
    at = next;
  }
  return *at;
}

bool is_true(const JsonValue* value) { return value != nullptr && value->boolean; }

std::optional<JsonValue::Kind> kind_of_type(std::string_view type) {
  using Kind = JsonValue::Kind;
  if (equals_ignoring_case(type, "string") || equals_ignoring_case(type, "securestring")) return Kind::string;
  if (equals_ignoring_case(type, "int")) return Kind::number;
  if (equals_ignoring_case(type, "bool")) return Kind::boolean;
  if (equals_ignoring_case(type, "array")) return Kind::array;
  if (equals_ignoring_case(type, "object") || equals_ignoring_case(type, "secureObject")) return Kind::object;
  return std::nullopt;
}

// What is wrong with a value of the right kind; empty: nothing.
std::string range_error(const JsonValue& declared, const JsonValue& value) {
  const auto limit = [&](std::string_view name) {
    const JsonValue* found = declared.find(name);
    return found != nullptr ? as_integer(*found) : std::nullopt;
  };
  const auto measure = [&](std::string_view least, std::string_view most, std::int64_t size) -> std::string {
    const auto low = limit(least), high = limit(most);
    if (low && size < *low) return fmt::format("below its {} {}", least, *low);
    if (high && size > *high) return fmt::format("above its {} {}", most, *high);
    return {};
  };
  if (const JsonValue* allowed = declared.find("allowedValues");
      allowed != nullptr && !allowed->items.empty()) {
    const auto same = [&](const JsonValue& each) {
      return equal(each, value) ||
             (each.is_string() && value.is_string() && equals_ignoring_case(each.text, value.text));
    };
    // Of an array each element is looked for.
    const auto known = [&](const JsonValue& each) {
      return std::ranges::any_of(allowed->items, [&](const JsonValue& one) { return equal(one, each); });
    };
    const bool part = value.is(JsonValue::Kind::array) && std::ranges::all_of(value.items, known);
    if (!part && std::ranges::none_of(allowed->items, same)) {
      constexpr std::size_t listed_max = 10;
      std::string list;
      for (std::size_t i = 0; i < std::min(allowed->items.size(), listed_max); ++i)
        list += (i == 0 ? "" : ", ") + shown(allowed->items[i]);
      return fmt::format("none of its allowedValues ({}{})", list,
                         allowed->items.size() > listed_max ? ", …" : "");
    }
  }
  if (value.is(JsonValue::Kind::number))
    return measure("minValue", "maxValue", as_integer(value).value_or(0));
  if (value.is_string())
    return measure("minLength", "maxLength", static_cast<std::int64_t>(count_characters(value.text)));
  if (value.is(JsonValue::Kind::array))
    return measure("minLength", "maxLength", static_cast<std::int64_t>(value.items.size()));
  return {};
}

}  // namespace

Evaluator::Result Evaluator::parameter(const std::string& name, ScopeId scope, const JsonValue& origin) {
  for (ScopeId at = scope; at != evaluated; at = scopes_[at].parent) {
    if (scopes_[at].kind != Scope::Kind::function) continue;
    for (const auto& [known, value] : scopes_[at].values) {
      if (equals_ignoring_case(known, name)) return value;
    }
    return fail(origin, "InvalidTemplate", fmt::format("the function has no parameter '{}'", name));
  }
  Deployment& deployment = deployment_of(scope);
  const std::string key = lowered(name);
  if (const auto known = deployment.parameter_values.find(key); known != deployment.parameter_values.end())
    return known->second;
  Result value = parameter_value(deployment, name, origin);
  if (value != nullptr && value->scope != evaluated)
    labels_.try_emplace(value, fmt::format("parameters('{}')", name));
  if (value != nullptr || quiet_ == 0) deployment.parameter_values[key] = value;
  return value;
}

Evaluator::Result Evaluator::parameter_value(Deployment& deployment, const std::string& name,
                                             const JsonValue& origin) {
  const JsonValue* list = deployment.root->find("parameters");
  const JsonValue* declared = list != nullptr ? list->find(name) : nullptr;
  const auto given = deployment.given.find(lowered(name));
  if (given != deployment.given.end()) {
    Result value = given_value(name, *given->second);
    if (value != nullptr) value = resolve(*value);
    if (value == nullptr || declared == nullptr) return value;
    // NAME=123 on the command line is the text 123 where a string is wanted, as in `az`.
    const JsonValue* text = given->second->find("text");
    const JsonValue* type = definition_of(*deployment.root, *declared).find("type");
    if (text != nullptr && type != nullptr && kind_of_type(type->text) == JsonValue::Kind::string &&
        !value->is_string())
      value = text;
    // A null that is handed down says nothing: the default stands.
    const JsonValue* fallback = value->is(JsonValue::Kind::null) ? declared->find("defaultValue") : nullptr;
    return checked(deployment, name, *declared, fallback != nullptr ? fallback : value);
  }
  if (declared == nullptr) {
    std::vector<std::string_view> names;
    if (list != nullptr) {
      for (const auto& member : list->members) names.push_back(member.key);
    }
    const auto near = nearest_word(name, names);
    return fail(origin, "InvalidTemplate",
                fmt::format("the template has no parameter '{}'{}", name,
                            near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
  }
  if (const JsonValue* fallback = declared->find("defaultValue"))
    return checked(deployment, name, *declared, fallback);
  if (is_true(declared->find("nullable")) ||
      is_true(definition_of(*deployment.root, *declared).find("nullable")))
    return keep(make_null(), declared->where);
  return fail(*declared, "MissingParameter",
              fmt::format("the parameter '{0}' has no value; give --parameters {0}=VALUE, a parameters "
                          "file, or a defaultValue",
                          name));
}

// `wrapper`: {"value": …}, or {"reference": {"keyVault": {"id": …}, "secretName": …}}, which the local file
// answers.
Evaluator::Result Evaluator::given_value(const std::string& name, const JsonValue& wrapper) {
  if (const JsonValue* value = wrapper.find("value")) return value;
  const std::string call = fmt::format("parameters('{}')", name);
  const auto as_secret = [&](const JsonValue& answer) {
    kept_.push_back(answer);
    make_secret(kept_.back());
    return &kept_.back();
  };
  if (const auto* known = answers_.find(call)) return as_secret(known->value);
  if (const JsonValue* reference = wrapper.find("reference")) {
    Result whole = resolve_all(*reference);
    const JsonValue* vault = whole != nullptr ? whole->find("keyVault") : nullptr;
    const JsonValue* id = vault != nullptr ? vault->find("id") : nullptr;
    const JsonValue* secret = whole != nullptr ? whole->find("secretName") : nullptr;
    if (id != nullptr && secret != nullptr) {
      const auto slash = id->text.rfind('/');
      const auto type_name =
          fmt::format("Microsoft.KeyVault/vaults/secrets/{}/{}",
                      id->text.substr(slash == std::string::npos ? 0 : slash + 1), secret->text);
      if (const auto* known = answers_.find(type_name)) return as_secret(known->value);
    }
  }
  return unknown(call, wrapper);
}

Evaluator::Result Evaluator::checked(Deployment& deployment, const std::string& name,
                                     const JsonValue& declared, Result value) {
  const JsonValue& definition = definition_of(*deployment.root, declared);
  const JsonValue* type = definition.find("type");
  const auto kind = type != nullptr ? kind_of_type(type->text) : std::nullopt;
  const bool secure = type != nullptr && starts_with_ignoring_case(type->text, "secure");
  // Objects and lists stay unevaluated inside: the gateway may reach but a part of them.
  value = resolve(*value);
  if (value == nullptr) return nullptr;
  if (secure) {
    value = force(value);
    if (value == nullptr) return nullptr;
    kept_.push_back(*value);
    make_secret(kept_.back());
    value = &kept_.back();
  }
  if (value->is(JsonValue::Kind::null) && kind) {
    if (is_true(declared.find("nullable")) || is_true(definition.find("nullable"))) return value;
  }
  if (kind && value->kind != *kind) {
    return fail(*value, "InvalidTemplate",
                fmt::format("the parameter '{}' is of type {}, not {}", name, type->text, shown(*value)));
  }
  if (type != nullptr && !kind) {
    return fail(*type, "InvalidTemplate",
                fmt::format("the parameter '{}' is of the unknown type {}; there are string, securestring, "
                            "int, bool, object, "
                            "secureObject and array",
                            name, shown(*type)));
  }
  if (kind == JsonValue::Kind::number && !as_integer(*value))
    return fail(*value, "InvalidTemplate",
                fmt::format("the parameter '{}' is of type int, not {}", name, shown(*value)));
  for (const JsonValue* rules : {&declared, &definition}) {
    const std::string wrong = range_error(*rules, *value);
    if (!wrong.empty())
      return fail(*value, "InvalidTemplate",
                  fmt::format("the value of the parameter '{}', {}, is {}", name, shown(*value), wrong));
    if (rules == &definition || &definition == &declared) break;
  }
  return value;
}

// Of "copy" beside the variables only the loop of that name is run. Nothing: there is none.
std::optional<Evaluator::Result> Evaluator::copied_variable(const JsonValue& variables,
                                                            const std::string& name) {
  const JsonValue* copies = variables.find("copy");
  if (copies == nullptr || variables.scope == evaluated) return std::nullopt;
  for (const JsonValue& entry : copies->items) {
    const JsonValue* loop = entry.find("name");
    if (loop == nullptr || !equals_ignoring_case(loop->text, name) || entry.find("input") == nullptr)
      continue;
    labels_.try_emplace(&entry, fmt::format("variables('{}')", name));
    return expand_copy(entry, variables);
  }
  return std::nullopt;
}

Evaluator::Result Evaluator::variable(const std::string& name, ScopeId scope, const JsonValue& origin) {
  const JsonValue* variables = deployment_of(scope).root->find("variables");
  const JsonValue* found = variables != nullptr ? variables->find(name) : nullptr;
  if (found != nullptr) {
    labels_.try_emplace(found, fmt::format("variables('{}')", name));
    return found;
  }
  if (const auto list = variables != nullptr ? copied_variable(*variables, name) : std::nullopt) return *list;
  std::vector<std::string_view> names;
  if (variables != nullptr) {
    for (const auto& member : variables->members) names.push_back(member.key);
  }
  const auto near = nearest_word(name, names);
  return fail(origin, "InvalidTemplate",
              fmt::format("the template has no variable '{}'{}", name,
                          near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
}

}  // namespace passerelle::arm
