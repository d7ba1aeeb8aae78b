// parameters() and variables(): given values, defaults, types and ranges.
#include <fmt/format.h>

#include <algorithm>

#include "arm/language/evaluator.h"
#include "arm/language/type_check.h"
#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
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
    const JsonValue* type = declared_type(*deployment.root, *declared);
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
  if (may_be_null(*deployment.root, *declared)) return keep(make_null(), declared->where);
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
  const JsonValue* type = declared_type(*deployment.root, declared);
  // Objects and lists stay unevaluated inside where nothing is said of it: the gateway may reach but a part.
  const bool whole = declares_inside(*deployment.root, declared) ||
                     (type != nullptr && starts_with_ignoring_case(type->text, "secure"));
  value = whole ? resolve_all(*value) : resolve(*value);
  if (value == nullptr) return nullptr;
  TypeCheck check(*deployment.root);
  const auto misfit = check.check(declared, *value, fmt::format("the parameter '{}'", name));
  Result kept = kept_with_secrets(*value, check.secrets());
  if (misfit) return fail(*misfit->at, "InvalidTemplate", misfit->message);
  return kept;
}

// The value, or a copy of it in which those parts are secret.
Evaluator::Result Evaluator::kept_with_secrets(const JsonValue& value,
                                               const std::unordered_set<const JsonValue*>& secrets) {
  if (secrets.empty()) return &value;
  kept_.push_back(value);
  const auto mark = [&](auto& self, const JsonValue& original, JsonValue& copy) -> void {
    if (secrets.contains(&original)) return make_secret(copy);
    for (std::size_t i = 0; i < copy.items.size(); ++i) self(self, original.items[i], copy.items[i]);
    for (std::size_t i = 0; i < copy.members.size(); ++i)
      self(self, original.members[i].value, copy.members[i].value);
  };
  mark(mark, value, kept_.back());
  return &kept_.back();
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
