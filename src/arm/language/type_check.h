// Whether a value fits what a template declares of it: type, range, allowed values, and what is inside of
// objects and arrays. Source: ARM template syntax, parameters and definitions (languageVersion 2.0).
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "arm/json_value.h"

namespace passerelle::arm {

// The type of that name, ignoring case: "string", "securestring", "int", "bool", "array", "object",
// "secureObject".
[[nodiscard]] std::optional<JsonValue::Kind> kind_of_type(std::string_view type);

// What `declared` says itself, and then what its "$ref" says, from `root`'s definitions; never empty.
[[nodiscard]] std::vector<const JsonValue*> declarations(const JsonValue& root, const JsonValue& declared);

[[nodiscard]] bool may_be_null(const JsonValue& root, const JsonValue& declared);
// The declaration says something of the inside, so that the whole value must be known.
[[nodiscard]] bool declares_inside(const JsonValue& root, const JsonValue& declared);
// Of declarations that follow each other the first "type"; null: none.
[[nodiscard]] const JsonValue* declared_type(const JsonValue& root, const JsonValue& declared);

struct Misfit {
  const JsonValue* at = nullptr;  // the part, or what is wrong in the declaration
  std::string message;            // "the parameter 'p.ports[0]' is of type int, not 'x'"
};

// A value for the time of one check. Of the inside only what is declared is looked at.
class TypeCheck {
 public:
  explicit TypeCheck(const JsonValue& root) : root_(root) {}

  // `name` is for messages: "the parameter 'p'".
  [[nodiscard]] std::optional<Misfit> check(const JsonValue& declared, const JsonValue& value,
                                            const std::string& name);
  // The parts that are of a secure type.
  [[nodiscard]] const std::unordered_set<const JsonValue*>& secrets() const { return secrets_; }

 private:
  std::optional<Misfit> check_inside(const JsonValue& rules, const JsonValue& value, const std::string& name);
  std::optional<Misfit> check_object(const JsonValue& rules, const JsonValue& value, const std::string& name);
  std::optional<Misfit> check_array(const JsonValue& rules, const JsonValue& value, const std::string& name);
  std::optional<Misfit> check_variant(const JsonValue& rules, const JsonValue& value,
                                      const std::string& name);
  const JsonValue& root_;
  std::unordered_set<const JsonValue*> secrets_;
};

}  // namespace passerelle::arm
