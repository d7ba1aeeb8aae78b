#include "arm/property_reader.h"

#include <fmt/format.h>

#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

// Ids on documentation pages were cut out of expressions: "…/frontendPorts/port443'" and "…/pools/p')]".
std::string without_stray_end(std::string_view id) {
  while (!id.empty() && std::string_view("'\")] ").find(id.back()) != std::string_view::npos)
    id.remove_suffix(1);
  return std::string(id);
}

// "…/applicationGateways/GATEWAY/…".
std::string gateway_of(std::string_view id) {
  constexpr std::string_view word = "/applicationgateways/";
  const auto at = lowered(id).find(word);
  return at == std::string::npos ? std::string()
                                 : std::string(split_once(id.substr(at + word.size()), '/').first);
}

}  // namespace

const JsonValue* PropertyReader::value(std::string_view name) const {
  const JsonValue* raw = item_.properties->find(name);
  const JsonValue* found = raw != nullptr ? item_.evaluator->resolve(*raw) : nullptr;
  return found == nullptr || found->is(JsonValue::Kind::null) ? nullptr : found;
}

bool PropertyReader::failed(std::string_view name) const {
  const JsonValue* raw = item_.properties->find(name);
  return raw != nullptr && item_.evaluator->resolve(*raw) == nullptr;
}

Position PropertyReader::where(std::string_view name) const {
  const JsonMember* member = item_.properties->member(name);
  return member != nullptr ? member->value.where : item_.where;
}

void PropertyReader::error(std::string_view name, std::string code, std::string message) const {
  problems_.error(where(name), std::move(code), std::move(message), path(name));
}

void PropertyReader::warning(std::string_view name, std::string code, std::string message) const {
  problems_.warning(where(name), std::move(code), std::move(message), path(name));
}

std::optional<std::string> PropertyReader::string(std::string_view name) const {
  const JsonValue* found = value(name);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) return found->text;
  error(name, "InvalidRequestFormat", fmt::format("a string was expected, not {}", kind_name(found->kind)));
  return std::nullopt;
}

std::optional<std::string> PropertyReader::text(std::string_view name) const {
  auto out = string(name);
  return out && out->empty() ? std::nullopt : std::move(out);
}

std::optional<bool> PropertyReader::boolean(std::string_view name) const {
  const JsonValue* found = value(name);
  if (found == nullptr) return std::nullopt;
  if (found->is(JsonValue::Kind::boolean)) return found->boolean;
  if (equals_ignoring_case(found->text, "true")) return true;
  if (equals_ignoring_case(found->text, "false")) return false;
  error(name, "InvalidRequestFormat",
        fmt::format("true or false was expected, not {}", kind_name(found->kind)));
  return std::nullopt;
}

std::optional<std::uint32_t> PropertyReader::number(std::string_view name, std::uint32_t low,
                                                    std::uint32_t high) const {
  const JsonValue* found = value(name);
  if (found == nullptr) return std::nullopt;
  const auto number = parse_decimal<std::uint32_t>(found->text);
  if (number && *number >= low && *number <= high) return number;
  error(name, "InvalidRequestFormat",
        fmt::format("{} takes a whole number from {} to {}, not {}", name, low, high, shown(*found)));
  return std::nullopt;
}

std::optional<Item> PropertyReader::inner(std::string_view name) const {
  const JsonValue* found = value(name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_object()) {
    error(name, "InvalidRequestFormat",
          fmt::format("an object was expected, not {}", kind_name(found->kind)));
    return std::nullopt;
  }
  return Item{item_.name, found, item_.evaluator, path(name), found->where};
}

std::optional<ItemReference> PropertyReader::reference(std::string_view name, std::string_view collection,
                                                       bool required) const {
  if (failed(name)) return std::nullopt;
  const auto object = inner(name);
  if (!object) {
    if (required) {
      error(name, "InvalidRequestFormat",
            fmt::format("{} is missing; write \"{}\": {{ \"id\": "
                        "\"[resourceId('Microsoft.Network/applicationGateways/{}', …)]\" }}",
                        name, name, collection));
    }
    return std::nullopt;
  }
  return reference_in(*object, name, collection);
}

std::vector<std::pair<Item, ItemReference>> PropertyReader::references(std::string_view name,
                                                                       std::string_view collection) const {
  std::vector<std::pair<Item, ItemReference>> out;
  for (Item& object : inner_items(item_, name, problems_)) {
    if (auto found = reference_in(object, name, collection))
      out.emplace_back(std::move(object), std::move(*found));
  }
  return out;
}

std::optional<ItemReference> PropertyReader::reference_in(const Item& object, std::string_view what,
                                                          std::string_view collection) const {
  const JsonMember* member = object.properties->member("id");
  if (member == nullptr) {
    problems_.error(object.where, "InvalidJsonReferenceFormat", fmt::format("{} needs an \"id\"", what),
                    object.path);
    return std::nullopt;
  }
  const JsonValue* value = item_.evaluator->resolve(member->value);
  if (value == nullptr) return std::nullopt;
  if (member->key != "id") {
    problems_.warning_once(member->key_where, "PropertyCase",
                           fmt::format("\"{}\" is read as \"id\"", member->key),
                           object.path + "." + member->key);
  }
  const std::string id = without_stray_end(value->text);
  if (id != value->text) {
    problems_.warning(
        value->where, "StrayIdEnd",
        fmt::format("the id ends in a stray {}, which is passed over", value->text.substr(id.size())),
        object.path + ".id");
  }
  const auto name_at = id.rfind('/');
  const auto type_at =
      name_at == std::string::npos || name_at == 0 ? std::string::npos : id.rfind('/', name_at - 1);
  if (type_at == std::string::npos || name_at + 1 == id.size()) {
    problems_.error(value->where, "InvalidJsonReferenceFormat",
                    fmt::format("'{}' is not an id; one ends in /{}/NAME", id, collection),
                    object.path + ".id");
    return std::nullopt;
  }
  if (!equals_ignoring_case(std::string_view(id).substr(type_at + 1, name_at - type_at - 1), collection)) {
    problems_.error(
        value->where, "InvalidResourceReference",
        fmt::format("the id is for '{}', where one of {} was expected", id.substr(type_at + 1), collection),
        object.path + ".id");
    return std::nullopt;
  }
  if (const auto open = id.find('<'); open != std::string::npos && open < name_at) {
    problems_.warning_once(
        value->where, "PlaceholderInId",
        fmt::format("the placeholder {} is left as it is: only the end of an id is used here",
                    id.substr(open, id.find('>', open) - open + 1)),
        object.path + ".id");
  }
  return ItemReference{id.substr(name_at + 1), gateway_of(id)};
}

std::vector<Item> inner_items(const Item& outer, std::string_view name, ProblemList& problems) {
  std::vector<Item> out;
  const JsonValue* list = PropertyReader(outer, problems).value(name);
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const JsonValue* element = outer.evaluator->resolve(list->items[i]);
    if (element == nullptr) continue;
    const std::string path = fmt::format("{}{}{}[{}]", outer.path, outer.path.empty() ? "" : ".", name, i);
    Item item{{}, element, outer.evaluator, path, element->where};
    if (!element->is_object()) {
      problems.error(element->where, "InvalidRequestFormat",
                     fmt::format("an object was expected, not {}", kind_name(element->kind)), item.path);
      continue;
    }
    item.name = PropertyReader(item, problems).string("name").value_or("");
    if (const JsonValue* properties = element->find("properties")) {
      item.properties = outer.evaluator->resolve(*properties);
      item.path += ".properties";
      if (item.properties == nullptr || !item.properties->is_object()) continue;
    }
    out.push_back(std::move(item));
  }
  return out;
}

}  // namespace passerelle::arm
