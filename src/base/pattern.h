// Regular expressions whose time is linear in the text, so that no pattern burns the CPU (RE2;
// docs/decisions/0012).
#pragma once

#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace passerelle {

// An immutable value, cheap to copy; matching from several threads at once is fine.
class Pattern {
 public:
  static constexpr std::size_t text_bytes_max = 4096;
  static constexpr std::size_t groups_max = 31;

  // The error is a sentence: what is wrong, and what to write where RE2 lacks what other engines have.
  [[nodiscard]] static std::expected<Pattern, std::string> make(std::string_view text, bool ignore_case);

  // Anywhere in `text`. `groups[0]` becomes the whole match, the rest the captures: views into `text`, empty
  // for groups that took no part.
  [[nodiscard]] bool matches(std::string_view text, std::span<std::string_view> groups = {}) const;
  // Captures, without the whole match.
  [[nodiscard]] std::size_t groups() const;
  [[nodiscard]] const std::string& text() const;
  [[nodiscard]] bool ignores_case() const;

 private:
  struct Compiled;
  explicit Pattern(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace passerelle
