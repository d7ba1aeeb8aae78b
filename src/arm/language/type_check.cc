#include "arm/language/type_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr int references_max = 10;  // "$ref" to "$ref"
constexpr std::size_t listed_max = 10;

bool is_true(const JsonValue* value) { return value != nullptr && value->boolean; }
bool is_false(const JsonValue* value) {
  return value != nullptr && value->is(JsonValue::Kind::boolean) && !value->boolean;
}

// "the parameter 'p'" and ".a" make "the parameter 'p.a'".
std::string inside(const std::string& name, std::string_view part) {
  return name.ends_with('\'') ? fmt::format("{}{}'", name.substr(0, name.size() - 1), part)
                              : fmt::format("{}{}", name, part);
}

std::string allowed_error(const JsonValue& rules, const JsonValue& value) {
  const JsonValue* allowed = rules.find("allowedValues");
  if (allowed == nullptr || allowed->items.empty()) return {};
  const auto same = [&](const JsonValue& each) {
    return equal(each, value) ||
           (each.is_string() && value.is_string() && equals_ignoring_case(each.text, value.text));
  };
  // Of an array each element is looked for.
  const auto known = [&](const JsonValue& each) {
    return std::ranges::any_of(allowed->items, [&](const JsonValue& one) { return equal(one, each); });
  };
  const bool part = value.is(JsonValue::Kind::array) && std::ranges::all_of(value.items, known);
  if (part || std::ranges::any_of(allowed->items, same)) return {};
  std::string list;
  for (std::size_t i = 0; i < std::min(allowed->items.size(), listed_max); ++i)
    list += (i == 0 ? "" : ", ") + shown(allowed->items[i]);
  return fmt::format("none of its allowedValues ({}{})", list,
                     allowed->items.size() > listed_max ? ", …" : "");
}

// What is wrong with a value of the right kind; empty: nothing.
std::string range_error(const JsonValue& rules, const JsonValue& value) {
  const auto measure = [&](std::string_view least, std::string_view most, std::int64_t size) -> std::string {
    const auto limit = [&](std::string_view name) {
      const JsonValue* found = rules.find(name);
      return found != nullptr ? as_integer(*found) : std::nullopt;
    };
    const auto low = limit(least), high = limit(most);
    if (low && size < *low) return fmt::format("below its {} {}", least, *low);
    if (high && size > *high) return fmt::format("above its {} {}", most, *high);
    return {};
  };
  std::string wrong = allowed_error(rules, value);
  if (!wrong.empty()) return wrong;
  if (value.is(JsonValue::Kind::number))
    return measure("minValue", "maxValue", as_integer(value).value_or(0));
  if (value.is_string())
    return measure("minLength", "maxLength", static_cast<std::int64_t>(count_characters(value.text)));
  if (value.is(JsonValue::Kind::array))
    return measure("minLength", "maxLength", static_cast<std::int64_t>(value.items.size()));
  return {};
}

}  // namespace

std::optional<JsonValue::Kind> kind_of_type(std::string_view type) {
  using Kind = JsonValue::Kind;
  if (equals_ignoring_case(type, "string") || equals_ignoring_case(type, "securestring")) return Kind::string;
  if (equals_ignoring_case(type, "int")) return Kind::number;
  if (equals_ignoring_case(type, "bool")) return Kind::boolean;
  if (equals_ignoring_case(type, "array")) return Kind::array;
  if (equals_ignoring_case(type, "object") || equals_ignoring_case(type, "secureObject")) return Kind::object;
  return std::nullopt;
}

std::vector<const JsonValue*> declarations(const JsonValue& root, const JsonValue& declared) {
  std::vector<const JsonValue*> out = {&declared};
  const JsonValue* definitions = root.find("definitions");
  while (out.size() <= references_max) {
    const JsonValue* reference = out.back()->find("$ref");
    if (reference == nullptr || !reference->is_string() || definitions == nullptr) break;
    const auto slash = reference->text.rfind('/');
    const JsonValue* next =
        slash != std::string::npos ? definitions->find(reference->text.substr(slash + 1)) : nullptr;
    if (next == nullptr) break;
    out.push_back(next);
  }
  return out;
}

bool may_be_null(const JsonValue& root, const JsonValue& declared) {
  return std::ranges::any_of(declarations(root, declared),
                             [](const JsonValue* each) { return is_true(each->find("nullable")); });
}

bool declares_inside(const JsonValue& root, const JsonValue& declared) {
  return std::ranges::any_of(declarations(root, declared), [](const JsonValue* each) {
    return std::ranges::any_of(
        std::array{"properties", "additionalProperties", "items", "prefixItems", "discriminator"},
        [&](const char* name) { return each->find(name) != nullptr; });
  });
}

const JsonValue* declared_type(const JsonValue& root, const JsonValue& declared) {
  for (const JsonValue* each : declarations(root, declared)) {
    if (const JsonValue* type = each->find("type")) return type;
  }
  return nullptr;
}

std::optional<Misfit> TypeCheck::check(const JsonValue& declared, const JsonValue& value,
                                       const std::string& name) {
  if (value.is(JsonValue::Kind::null) && may_be_null(root_, declared)) return std::nullopt;
  const JsonValue* type = declared_type(root_, declared);
  const auto kind = type != nullptr ? kind_of_type(type->text) : std::nullopt;
  if (type != nullptr && !kind) {
    return Misfit{type, fmt::format("{} is of the unknown type {}; there are string, securestring, "
                                    "int, bool, object, secureObject and array",
                                    name, shown(*type))};
  }
  const bool secure = type != nullptr && starts_with_ignoring_case(type->text, "secure");
  if (secure) secrets_.insert(&value);
  const auto as_shown = [&] { return secure ? std::string("a secret") : shown(value); };
  if (kind && (value.kind != *kind || (*kind == JsonValue::Kind::number && !as_integer(value).has_value())))
    return Misfit{&value, fmt::format("{} is of type {}, not {}", name, type->text, as_shown())};
  for (const JsonValue* rules : declarations(root_, declared)) {
    const std::string wrong = range_error(*rules, value);
    if (!wrong.empty())
      return Misfit{&value, fmt::format("the value of {}, {}, is {}", name, as_shown(), wrong)};
    if (auto misfit = check_inside(*rules, value, name)) return misfit;
  }
  return std::nullopt;
}

std::optional<Misfit> TypeCheck::check_inside(const JsonValue& rules, const JsonValue& value,
                                              const std::string& name) {
  if (value.is(JsonValue::Kind::array)) return check_array(rules, value, name);
  if (!value.is_object()) return std::nullopt;
  if (auto misfit = check_object(rules, value, name)) return misfit;
  return check_variant(rules, value, name);
}

std::optional<Misfit> TypeCheck::check_object(const JsonValue& rules, const JsonValue& value,
                                              const std::string& name) {
  const JsonValue* properties = rules.find("properties");
  const JsonValue* others = rules.find("additionalProperties");
  if (properties != nullptr) {
    for (const JsonMember& each : properties->members) {
      const JsonValue* part = value.find(each.key);
      if (part == nullptr && !may_be_null(root_, each.value))
        return Misfit{&value, fmt::format("{} lacks its property '{}'", name, each.key)};
      if (part == nullptr) continue;
      if (auto misfit = check(each.value, *part, inside(name, "." + each.key))) return misfit;
    }
  }
  if (others == nullptr) return std::nullopt;
  for (const JsonMember& each : value.members) {
    if (properties != nullptr && properties->find(each.key) != nullptr) continue;
    if (is_false(others)) {
      std::vector<std::string_view> names;
      if (properties != nullptr) {
        for (const JsonMember& known : properties->members) names.push_back(known.key);
      }
      const auto near = nearest_word(each.key, names);
      return Misfit{&each.value,
                    fmt::format("{} has no property '{}'{}", name, each.key,
                                near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near))};
    }
    if (!others->is_object()) continue;
    if (auto misfit = check(*others, each.value, inside(name, "." + each.key))) return misfit;
  }
  return std::nullopt;
}

std::optional<Misfit> TypeCheck::check_array(const JsonValue& rules, const JsonValue& value,
                                             const std::string& name) {
  const JsonValue* first = rules.find("prefixItems");
  const JsonValue* others = rules.find("items");
  const std::size_t count = first != nullptr ? first->items.size() : 0;
  if (value.items.size() < count || (is_false(others) && value.items.size() > count))
    return Misfit{&value, fmt::format("{} is a list of {}, not {}", name, count, value.items.size())};
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    const JsonValue* each = i < count ? &first->items[i] : others;
    if (each == nullptr || !each->is_object()) continue;
    if (auto misfit = check(*each, value.items[i], inside(name, fmt::format("[{}]", i)))) return misfit;
  }
  return std::nullopt;
}

// "discriminator": { "propertyName": "kind", "mapping": { "a": { … }, "b": { … } } }.
std::optional<Misfit> TypeCheck::check_variant(const JsonValue& rules, const JsonValue& value,
                                               const std::string& name) {
  const JsonValue* choice = rules.find("discriminator");
  const JsonValue* property = choice != nullptr ? choice->find("propertyName") : nullptr;
  const JsonValue* mapping = choice != nullptr ? choice->find("mapping") : nullptr;
  if (property == nullptr || mapping == nullptr) return std::nullopt;
  const JsonValue* chosen = value.find(property->text);
  const JsonValue* variant = chosen != nullptr && chosen->is_string() ? mapping->find(chosen->text) : nullptr;
  if (variant != nullptr) return check(*variant, value, name);
  std::vector<std::string_view> names;
  for (const JsonMember& each : mapping->members) names.push_back(each.key);
  return Misfit{chosen != nullptr ? chosen : &value,
                fmt::format("{} is one of {}, not {}", inside(name, "." + property->text),
                            fmt::join(names, ", "), chosen != nullptr ? shown(*chosen) : "missing")};
}

}  // namespace passerelle::arm
