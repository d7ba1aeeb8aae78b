// JSON as read: a tree in which everything remembers where it stood, and in which scope its expressions
// count.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::arm {

struct Position {
  std::uint32_t file = 0;  // index into the list of sources
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

struct JsonMember;

// Names the scope of a template in which a value's expressions are evaluated; `evaluated`: it holds none, and
// a string that begins with '[' is just that.
using ScopeId = std::uint32_t;
inline constexpr ScopeId evaluated = ~ScopeId{0};

// A value.
struct JsonValue {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  std::string text;  // of a string; of a number, as written
  std::vector<JsonValue> items;
  std::vector<JsonMember> members;
  Position where;
  ScopeId scope = evaluated;
  bool secret = false;  // from a securestring or secureObject: never shown

  [[nodiscard]] bool is(Kind wanted) const { return kind == wanted; }
  [[nodiscard]] bool is_object() const { return kind == Kind::object; }
  [[nodiscard]] bool is_string() const { return kind == Kind::string; }
  // Azure's names ignore case.
  [[nodiscard]] const JsonMember* member(std::string_view key) const;
  [[nodiscard]] const JsonValue* find(std::string_view key) const;

  [[nodiscard]] static JsonValue make_string(std::string text, Position where);
};

struct JsonMember {
  std::string key;
  Position key_where;
  JsonValue value;
};

// Puts the value and everything inside into `scope`.
void bind(JsonValue& value, ScopeId scope);

// Compact JSON text of the value.
[[nodiscard]] std::string to_json(const JsonValue& value);
[[nodiscard]] std::string_view kind_name(JsonValue::Kind kind);

}  // namespace passerelle::arm
