#include "arm/language/expression.h"

#include <fmt/format.h>

namespace passerelle::arm {
namespace {

constexpr unsigned depth_max = 60;
constexpr unsigned postfixes_max = 200;
constexpr std::size_t text_bytes_max = 24'576;  // Azure's own

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  std::expected<Expression, std::string> parse() {
    if (text_.size() > text_bytes_max)
      return std::unexpected(fmt::format("an expression has at most {} characters", text_bytes_max));
    auto value = term();
    if (!value) return value;
    skip_blanks();
    if (at_ != text_.size()) return unexpected("the end of the expression");
    return value;
  }

 private:
  std::unexpected<std::string> unexpected(std::string_view wanted) const {
    const auto found =
        at_ < text_.size() ? fmt::format("'{}'", text_.substr(at_, 12)) : std::string("the end");
    return std::unexpected(fmt::format("{} was expected at character {}, not {}", wanted, at_ + 2, found));
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool take(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // The text from `begin` to here, without the blanks behind.
  std::string_view since(std::size_t begin) const { return text_.substr(begin, at_ - begin); }

  std::expected<Expression, std::string> term() {
    if (++depth_ > depth_max) return std::unexpected(std::string("the expression is nested too deeply"));
    skip_blanks();
    const std::size_t begin = at_;
    auto value = primary();
    for (unsigned postfixes = 0; value; ++postfixes) {
      if (postfixes > postfixes_max)
        return std::unexpected(std::string("it has too many properties and indexes in a row"));
      value->source = since(begin);
      const std::size_t end = at_;
      if (take('.')) {
        auto name = read_name();
        if (name.empty()) return unexpected("a property's name");
        value = Expression{Expression::Kind::property, std::move(name), wrap(std::move(*value)), {}};
      } else if (take('[')) {
        auto index = term();
        if (!index) return index;
        if (!take(']')) return unexpected("']'");
        auto operands = wrap(std::move(*value));
        operands.push_back(std::move(*index));
        value = Expression{Expression::Kind::index, {}, std::move(operands), {}};
      } else {
        at_ = end;
        break;
      }
    }
    --depth_;
    return value;
  }

  static std::vector<Expression> wrap(Expression first) {
    std::vector<Expression> out;
    out.push_back(std::move(first));
    return out;
  }

  std::string read_name() {
    skip_blanks();
    std::string name;
    while (at_ < text_.size() && is_name_character(text_[at_])) name += text_[at_++];
    return name;
  }

  std::expected<Expression, std::string> primary() {
    skip_blanks();
    if (at_ >= text_.size()) return unexpected("a value");
    const char c = text_[at_];
    if (c == '\'') return string_literal();
    if (c == '-' || (c >= '0' && c <= '9')) return integer_literal();
    auto name = read_name();
    if (name.empty()) return unexpected("a value");
    while (at_ < text_.size() && text_[at_] == '.') {  // a user function: namespace.name
      const auto back = at_++;
      const auto rest = read_name();
      if (rest.empty() || at_ >= text_.size() || text_[at_] != '(') {
        at_ = back;
        break;
      }
      name += "." + rest;
    }
    if (!take('(')) return unexpected(fmt::format("'(' behind {}", name));
    return arguments(std::move(name));
  }

  std::expected<Expression, std::string> arguments(std::string name) {
    Expression call{Expression::Kind::call, std::move(name), {}, {}};
    if (take(')')) return call;
    for (;;) {
      auto argument = term();
      if (!argument) return argument;
      call.operands.push_back(std::move(*argument));
      if (take(')')) return call;
      if (!take(',')) return unexpected("',' or ')'");
    }
  }

  std::expected<Expression, std::string> string_literal() {
    std::string out;
    ++at_;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '\'') {
        out += c;
      } else if (at_ < text_.size() && text_[at_] == '\'') {
        out += '\'';
        ++at_;
      } else {
        return Expression{Expression::Kind::string, std::move(out), {}, {}};
      }
    }
    return unexpected("a closing quote");
  }

  std::expected<Expression, std::string> integer_literal() {
    const auto begin = at_;
    if (text_[at_] == '-') ++at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') ++at_;
    if (at_ - begin > 19 || text_.substr(begin, at_ - begin) == "-") return unexpected("a whole number");
    return Expression{Expression::Kind::integer, std::string(text_.substr(begin, at_ - begin)), {}, {}};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
};

}  // namespace

bool is_expression(std::string_view text) {
  return text.starts_with('[') && !text.starts_with("[[") && text.ends_with(']');
}

std::expected<Expression, std::string> parse_expression(std::string_view text) {
  return Parser(text).parse();
}

}  // namespace passerelle::arm
