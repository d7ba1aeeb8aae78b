// Small words about text: ASCII case, trimming, numbers, hex. ASCII only: the wire and ARM names are.
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace passerelle {

[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (ascii_lower(a[i]) != ascii_lower(b[i])) return false;
  }
  return true;
}

[[nodiscard]] std::string lowered(std::string_view text);
[[nodiscard]] bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);

// Without the blanks (space, tab) at both ends: RFC 9110 section 5.6.3, OWS.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// A plain decimal number: digits only, no sign, no blank, no overflow.
template <std::unsigned_integral T>
[[nodiscard]] std::optional<T> parse_decimal(std::string_view text) {
  T value = 0;
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The text before and after the first `separator`; the second part is empty when there is none.
[[nodiscard]] constexpr std::pair<std::string_view, std::string_view> split_once(std::string_view text,
                                                                                 char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

// Calls `visit(element)` for each non-empty element of a comma-separated list (RFC 9110 section 5.6.1).
template <class Visit>
constexpr void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto element = trimmed(list.substr(0, comma));
    if (!element.empty()) visit(element);
    if (comma == std::string_view::npos) return;
    list.remove_prefix(comma + 1);
  }
}

[[nodiscard]] bool list_has_token(std::string_view list, std::string_view token);

// Where the text stops being UTF-8 (RFC 3629); its size if it never does.
[[nodiscard]] std::size_t utf8_prefix(std::string_view text);

// Two digits a byte, in lower case, to `out`, which has room for them.
void write_hex(std::string_view bytes, char* out);
void append_hex(std::string& out, std::string_view bytes);

// RFC 3986 section 2.1; what is no escape stands for itself.
[[nodiscard]] std::string percent_decoded(std::string_view text);

// `text` matches `pattern`, where `*` stands for any run of characters; case is ignored. Linear in both.
[[nodiscard]] bool glob_matches(std::string_view pattern, std::string_view text);

// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the pen.
template <class Range>
[[nodiscard]] std::string_view nearest_word(std::string_view word, const Range& candidates);

[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

template <class Range>
std::string_view nearest_word(std::string_view word, const Range& candidates) {
  std::string_view best;
  std::size_t best_distance = std::min(word.size() / 3 + 2, word.size());  // something must be in common
  for (std::string_view candidate : candidates) {
    const auto distance = edit_distance(lowered(word), lowered(candidate));
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace passerelle
