#include "arm/language/values.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"

namespace passerelle::arm {

JsonValue make_null() { return {}; }

JsonValue make_text(std::string text) { return JsonValue::make_string(std::move(text), {}); }

JsonValue make_number(std::int64_t number) {
  JsonValue out;
  out.kind = JsonValue::Kind::number;
  out.text = std::to_string(number);
  return out;
}

JsonValue make_boolean(bool value) {
  JsonValue out;
  out.kind = JsonValue::Kind::boolean;
  out.boolean = value;
  return out;
}

JsonValue make_array(std::vector<JsonValue> items) {
  JsonValue out;
  out.kind = JsonValue::Kind::array;
  out.items = std::move(items);
  return out;
}

JsonValue make_object() {
  JsonValue out;
  out.kind = JsonValue::Kind::object;
  return out;
}

void add_member(JsonValue& object, std::string key, JsonValue value) {
  const Position where = value.where;
  object.members.push_back({std::move(key), where, std::move(value)});
}

void add_member(JsonValue& object, std::string key, std::string text) {
  add_member(object, std::move(key), make_text(std::move(text)));
}

void set_member(JsonValue& object, const std::string& key, JsonValue value) {
  for (JsonMember& member : object.members) {
    if (!equals_ignoring_case(member.key, key)) continue;
    member.value = std::move(value);
    return;
  }
  add_member(object, key, std::move(value));
}

std::optional<std::int64_t> as_integer(const JsonValue& value) {
  if (!value.is(JsonValue::Kind::number) && !value.is_string()) return std::nullopt;
  std::int64_t number = 0;
  const std::string_view text = value.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

bool equal(const JsonValue& a, const JsonValue& b) {
  if (a.kind != b.kind) return false;
  switch (a.kind) {
    case JsonValue::Kind::null: return true;
    case JsonValue::Kind::boolean: return a.boolean == b.boolean;
    case JsonValue::Kind::number:
    case JsonValue::Kind::string: return a.text == b.text;
    case JsonValue::Kind::array: return std::ranges::equal(a.items, b.items, equal);
    case JsonValue::Kind::object:
      return a.members.size() == b.members.size() && std::ranges::all_of(a.members, [&](const JsonMember& m) {
               const JsonValue* other = b.find(m.key);
               return other != nullptr && equal(m.value, *other);
             });
  }
  return false;
}

std::size_t weight(const JsonValue& value) {
  constexpr std::size_t bytes_a_node = 64;
  std::size_t sum = 1 + value.text.size() / bytes_a_node;
  for (const auto& item : value.items) sum += weight(item);
  for (const auto& member : value.members) sum += 1 + weight(member.value);
  return sum;
}

bool holds_secret(const JsonValue& value) {
  return value.secret || std::ranges::any_of(value.items, holds_secret) ||
         std::ranges::any_of(value.members, [](const JsonMember& m) { return holds_secret(m.value); });
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::string characters(std::string_view text, std::size_t from, std::size_t count) {
  std::size_t seen = 0, begin = text.size(), end = text.size();
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0U) == 0x80U) continue;
    if (seen == from) begin = at;
    if (seen == from + count) {
      end = at;
      break;
    }
    ++seen;
  }
  return begin < end ? std::string(text.substr(begin, end - begin)) : std::string();
}

std::string to_text(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::null: return {};
    case JsonValue::Kind::boolean: return value.boolean ? "True" : "False";
    case JsonValue::Kind::number:
    case JsonValue::Kind::string: return value.text;
    default: return to_json(value);
  }
}

std::string shown(const JsonValue& value) {
  constexpr std::size_t shown_bytes_max = 80;  // characters
  if (holds_secret(value)) return "a secret";
  if (value.is(JsonValue::Kind::object) || value.is(JsonValue::Kind::array))
    return std::string(kind_name(value.kind));
  if (value.is(JsonValue::Kind::null)) return "null";
  std::string text = value.is_string() ? "'" + value.text + "'" : to_text(value);
  if (text.size() > shown_bytes_max) text = characters(text, 0, shown_bytes_max) + "…";
  return text;
}

}  // namespace passerelle::arm
