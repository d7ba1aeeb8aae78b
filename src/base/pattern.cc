#include "base/pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <array>

namespace passerelle {

struct Pattern::Compiled {
  Compiled(std::string_view text, const RE2::Options& options) : expression(text, options) {}
  RE2 expression;
};

bool Pattern::ignores_case() const { return !compiled_->expression.options().case_sensitive(); }

std::expected<Pattern, std::string> Pattern::make(std::string_view text, bool ignore_case) {
  if (text.size() > text_bytes_max)
    return std::unexpected(fmt::format("it is longer than {} characters", text_bytes_max));
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!ignore_case);
  // Fields and paths are bytes; what is no UTF-8 must not be unmatchable.
  options.set_encoding(RE2::Options::EncodingLatin1);
  constexpr std::int64_t memory_max = 1 << 20;
  options.set_max_mem(memory_max);
  auto compiled = std::make_shared<const Compiled>(text, options);
  const RE2& expression = compiled->expression;
  if (!expression.ok()) {
    std::string why = expression.error();
    if (text.find("(?=") != std::string_view::npos || text.find("(?!") != std::string_view::npos ||
        text.find("(?<") != std::string_view::npos)
      why += "; look-ahead and look-behind do not exist here: negate the condition, or write two of them";
    else if (expression.error_code() == RE2::ErrorBadEscape)
      why += "; back-references do not exist here";
    return std::unexpected(why);
  }
  if (expression.NumberOfCapturingGroups() > static_cast<int>(groups_max))
    return std::unexpected(
        fmt::format("it has more than {} groups; write (?:…) for those that capture nothing", groups_max));
  return Pattern(std::move(compiled));
}

bool Pattern::matches(std::string_view text, std::span<std::string_view> groups) const {
  std::array<re2::StringPiece, groups_max + 1> found;
  const std::size_t count = std::min(groups.size(), this->groups() + 1);
  if (!compiled_->expression.Match(text, 0, text.size(), RE2::UNANCHORED, found.data(),
                                   static_cast<int>(count)))
    return false;
  for (std::size_t i = 0; i < groups.size(); ++i)
    groups[i] = i < count ? std::string_view(found[i].data(), found[i].size()) : std::string_view();
  return true;
}

std::size_t Pattern::groups() const {
  return static_cast<std::size_t>(compiled_->expression.NumberOfCapturingGroups());
}

const std::string& Pattern::text() const { return compiled_->expression.pattern(); }

}  // namespace passerelle
