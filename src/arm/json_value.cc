#include "arm/json_value.h"

#include "base/json_writer.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

void write(JsonWriter& json, const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::null: json.null(); return;
    case JsonValue::Kind::boolean: json.boolean(value.boolean); return;
    case JsonValue::Kind::number: json.raw(value.text); return;
    case JsonValue::Kind::string: json.string(value.text); return;
    case JsonValue::Kind::array:
      json.begin_array();
      for (const auto& item : value.items) write(json, item);
      json.end_array();
      return;
    case JsonValue::Kind::object:
      json.begin_object();
      for (const auto& member : value.members) {
        json.key(member.key);
        write(json, member.value);
      }
      json.end_object();
      return;
  }
}

}  // namespace

const JsonMember* JsonValue::member(std::string_view key) const {
  for (const auto& candidate : members) {
    if (equals_ignoring_case(candidate.key, key)) return &candidate;
  }
  return nullptr;
}

const JsonValue* JsonValue::find(std::string_view key) const {
  const JsonMember* found = member(key);
  return found == nullptr ? nullptr : &found->value;
}

JsonValue JsonValue::make_string(std::string text, Position where) {
  JsonValue out;
  out.kind = Kind::string;
  out.text = std::move(text);
  out.where = where;
  return out;
}

void bind(JsonValue& value, ScopeId scope) {
  value.scope = scope;
  for (auto& item : value.items) bind(item, scope);
  for (auto& each : value.members) bind(each.value, scope);
}

std::string to_json(const JsonValue& value) {
  std::string out;
  JsonWriter json(out);
  write(json, value);
  return out;
}

std::string_view kind_name(JsonValue::Kind kind) {
  switch (kind) {
    case JsonValue::Kind::null: return "null";
    case JsonValue::Kind::boolean: return "true or false";
    case JsonValue::Kind::number: return "a number";
    case JsonValue::Kind::string: return "a string";
    case JsonValue::Kind::array: return "an array";
    case JsonValue::Kind::object: return "an object";
  }
  return "something";
}

}  // namespace passerelle::arm
