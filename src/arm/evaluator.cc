#include "arm/evaluator.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/text.h"

namespace passerelle::arm {
namespace {

void restamp(JsonValue& value, Position where) {
  value.where = where;
  for (auto& item : value.items) restamp(item, where);
  for (auto& member : value.members) restamp(member.value, where);
}

JsonMember member(std::string key, std::string text, Position where) {
  return {std::move(key), where, JsonValue::make_string(std::move(text), where)};
}

}  // namespace

std::nullopt_t Evaluator::fail(const JsonValue& origin, std::string code, std::string message) {
  problems_.error(origin.where, std::move(code), std::move(message));
  return std::nullopt;
}

const JsonValue* Evaluator::keep(JsonValue value) {
  kept_.push_back(std::move(value));
  return &kept_.back();
}

const JsonValue* Evaluator::resolve(const JsonValue& raw) {
  if (!raw.is_string() || !raw.text.starts_with('[')) return &raw;
  if (const auto found = resolved_.find(&raw); found != resolved_.end()) return found->second;
  const JsonValue* result = nullptr;
  if (raw.text.starts_with("[[")) {
    result = keep(JsonValue::make_string(raw.text.substr(1), raw.where));
  } else if (!is_expression(raw.text)) {
    result = &raw;
  } else {
    const auto expression = parse_expression(std::string_view(raw.text).substr(1, raw.text.size() - 2));
    if (!expression) {
      fail(raw, "InvalidTemplate",
           fmt::format("the expression \"{}\" cannot be read: {}", raw.text, expression.error()));
    } else if (auto value = evaluate(*expression, raw)) {
      restamp(*value, raw.where);
      result = keep(std::move(*value));
    }
  }
  resolved_[&raw] = result;
  return result;
}

const JsonValue* Evaluator::resolve_all(const JsonValue& raw) {
  const JsonValue* outer = resolve(raw);
  if (outer == nullptr || (outer->items.empty() && outer->members.empty())) return outer;
  JsonValue copy = *outer;
  for (auto& item : copy.items) {
    const JsonValue* inner = resolve_all(item);
    if (inner == nullptr) return nullptr;
    item = JsonValue(*inner);
  }
  for (auto& each : copy.members) {
    const JsonValue* inner = resolve_all(each.value);
    if (inner == nullptr) return nullptr;
    each.value = JsonValue(*inner);
  }
  return keep(std::move(copy));
}

Evaluator::Value Evaluator::evaluate(const Expression& expression, const JsonValue& origin) {
  switch (expression.kind) {
    case Expression::Kind::string: return JsonValue::make_string(expression.text, origin.where);
    case Expression::Kind::integer: {
      JsonValue out = JsonValue::make_string(expression.text, origin.where);
      out.kind = JsonValue::Kind::number;
      return out;
    }
    case Expression::Kind::call: return call(expression, origin);
    case Expression::Kind::property: {
      auto object = evaluate(expression.operands[0], origin);
      if (!object) return std::nullopt;
      const JsonValue* found = object->find(expression.text);
      if (found == nullptr)
        return fail(origin, "InvalidTemplate", fmt::format("there is no property '{}'", expression.text));
      return JsonValue(*found);
    }
    case Expression::Kind::index: {
      auto object = evaluate(expression.operands[0], origin);
      auto index = evaluate(expression.operands[1], origin);
      if (!object || !index) return std::nullopt;
      if (const JsonValue* found = index->is_string() ? object->find(index->text) : nullptr)
        return JsonValue(*found);
      const auto number = parse_decimal<std::size_t>(index->text);
      if (!number || *number >= object->items.size()) {
        return fail(origin, "InvalidTemplate", fmt::format("there is no element [{}]", index->text));
      }
      return JsonValue(object->items[*number]);
    }
  }
  return std::nullopt;
}

Evaluator::Value Evaluator::call(const Expression& expression, const JsonValue& origin) {
  std::vector<JsonValue> arguments;
  for (const auto& operand : expression.operands) {
    auto value = evaluate(operand, origin);
    if (!value) return std::nullopt;
    arguments.push_back(std::move(*value));
  }
  const std::string name = lowered(expression.text);
  if (name == "parameters" || name == "variables") {
    if (arguments.size() != 1 || !arguments[0].is_string()) {
      return fail(origin, "InvalidTemplate", fmt::format("{}() takes one name", name));
    }
    return name == "parameters" ? parameter(arguments[0].text, origin) : variable(arguments[0].text, origin);
  }
  if (name == "concat") return concat(std::move(arguments), origin);
  if (name == "resourceid") return resource_id(arguments, origin);
  if (name == "resourcegroup") return scope_object(true, origin);
  if (name == "subscription") return scope_object(false, origin);
  return fail(
      origin, "FunctionNotSupported",
      fmt::format("the template function {}() is not supported yet; replace the expression by its value",
                  expression.text));
}

Evaluator::Value Evaluator::parameter(const std::string& name, const JsonValue& origin) {
  for (auto given = parameters_.rbegin(); given != parameters_.rend(); ++given) {
    if (equals_ignoring_case((*given)->key, name)) return JsonValue((*given)->value);
  }
  const JsonValue* declared = root_ != nullptr ? root_->find("parameters") : nullptr;
  const JsonValue* parameter = declared != nullptr ? declared->find(name) : nullptr;
  if (parameter == nullptr) {
    return fail(origin, "InvalidTemplate", fmt::format("the template has no parameter '{}'", name));
  }
  const JsonValue* fallback = parameter->find("defaultValue");
  if (fallback == nullptr) {
    return fail(*parameter, "MissingParameter",
                fmt::format("the parameter '{0}' has no value; give --parameters {0}=VALUE, a parameters "
                            "file, or a defaultValue",
                            name));
  }
  const JsonValue* value = resolve_all(*fallback);
  return value != nullptr ? Value(*value) : std::nullopt;
}

Evaluator::Value Evaluator::variable(const std::string& name, const JsonValue& origin) {
  const JsonValue* variables = root_ != nullptr ? root_->find("variables") : nullptr;
  const JsonValue* raw = variables != nullptr ? variables->find(name) : nullptr;
  if (raw == nullptr)
    return fail(origin, "InvalidTemplate", fmt::format("the template has no variable '{}'", name));
  const auto key = lowered(name);
  if (std::ranges::find(under_way_, key) != under_way_.end()) {
    return fail(origin, "InvalidTemplate",
                fmt::format("variables that need each other: {} -> {}", fmt::join(under_way_, " -> "), name));
  }
  under_way_.push_back(key);
  const JsonValue* value = resolve_all(*raw);
  under_way_.pop_back();
  return value != nullptr ? Value(*value) : std::nullopt;
}

Evaluator::Value Evaluator::concat(std::vector<JsonValue> arguments, const JsonValue& origin) {
  if (!arguments.empty() && arguments[0].is(JsonValue::Kind::array)) {
    JsonValue out = std::move(arguments[0]);
    for (std::size_t i = 1; i < arguments.size(); ++i) {
      if (!arguments[i].is(JsonValue::Kind::array))
        return fail(origin, "InvalidTemplate", "concat() takes strings or arrays, not both");
      out.items.insert(out.items.end(), arguments[i].items.begin(), arguments[i].items.end());
    }
    return out;
  }
  std::string text;
  for (const auto& argument : arguments) {
    if (argument.is_object() || argument.is(JsonValue::Kind::array)) {
      return fail(origin, "InvalidTemplate",
                  fmt::format("concat() takes strings or arrays, not {}", kind_name(argument.kind)));
    }
    text += argument.is(JsonValue::Kind::boolean) ? (argument.boolean ? "True" : "False") : argument.text;
  }
  return JsonValue::make_string(std::move(text), origin.where);
}

// resourceId([subscription], [resourceGroup], type, name, [name...]): the type is the first with a '/'.
Evaluator::Value Evaluator::resource_id(const std::vector<JsonValue>& arguments, const JsonValue& origin) {
  std::size_t type = 0;
  while (type < arguments.size() && arguments[type].text.find('/') == std::string::npos) ++type;
  if (type > 2 || type + 1 >= arguments.size()) {
    return fail(origin, "InvalidTemplate",
                "resourceId() takes a type as 'Microsoft.Network/…' and a name for each of its parts");
  }
  const std::string& subscription = type == 2 ? arguments[0].text : scope_.subscription;
  const std::string& group = type >= 1 ? arguments[type - 1].text : scope_.resource_group;
  std::string id = fmt::format("/subscriptions/{}/resourceGroups/{}/providers/", subscription, group);
  std::string_view rest = arguments[type].text;
  auto [provider, parts] = split_once(rest, '/');
  id += provider;
  for (std::size_t name = type + 1; name < arguments.size(); ++name) {
    const auto [part, others] = split_once(parts, '/');
    parts = others;
    if (part.empty())
      return fail(origin, "InvalidTemplate", "resourceId() has more names than its type has parts");
    id += fmt::format("/{}/{}", part, arguments[name].text);
  }
  if (!parts.empty())
    return fail(origin, "InvalidTemplate", "resourceId() has fewer names than its type has parts");
  return JsonValue::make_string(std::move(id), origin.where);
}

Evaluator::Value Evaluator::scope_object(bool group, const JsonValue& origin) const {
  JsonValue out;
  out.kind = JsonValue::Kind::object;
  const std::string subscription_id = "/subscriptions/" + scope_.subscription;
  const Position at = origin.where;
  if (group) {
    out.members.push_back(member("id", subscription_id + "/resourceGroups/" + scope_.resource_group, at));
    out.members.push_back(member("name", scope_.resource_group, at));
    out.members.push_back(member("location", scope_.location, at));
  } else {
    out.members.push_back(member("id", subscription_id, at));
    out.members.push_back(member("subscriptionId", scope_.subscription, at));
  }
  return out;
}

}  // namespace passerelle::arm
