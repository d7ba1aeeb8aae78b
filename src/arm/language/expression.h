// An ARM template expression, parsed: "[concat(parameters('a'), '-x')]".
// Source: ARM template functions and syntax documentation; behaviour sheet, section 20.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::arm {

// A value: a small tree.
struct Expression {
  enum class Kind : std::uint8_t { string, integer, call, property, index };
  Kind kind = Kind::string;
  std::string text;                  // literal, function name, or property name
  std::vector<Expression> operands;  // arguments; of property and index: the object first
  std::string_view source;           // as written; a view of what was parsed
};

// "[...]" is an expression, "[[..." is text that begins with '['.
[[nodiscard]] bool is_expression(std::string_view text);

// `text` without its outer brackets; it must outlive the result. The error is a sentence.
[[nodiscard]] std::expected<Expression, std::string> parse_expression(std::string_view text);

}  // namespace passerelle::arm
