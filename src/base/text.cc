#include "base/text.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

namespace passerelle {

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), ascii_lower);
  return out;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool list_has_token(std::string_view list, std::string_view token) {
  bool found = false;
  for_each_element(list,
                   [&](std::string_view element) { found = found || equals_ignoring_case(element, token); });
  return found;
}

std::size_t utf8_prefix(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned first = byte(i);
    std::size_t size = 0;
    if (first < 0x80)
      size = 1;
    else if (first >= 0xc2 && first < 0xe0 && follows(i + 1))
      size = 2;
    else if (first >= 0xe0 && first < 0xf0 && follows(i + 1) && follows(i + 2))
      size = 3;
    else if (first >= 0xf0 && first < 0xf5 && follows(i + 1) && follows(i + 2) && follows(i + 3))
      size = 4;
    // Longer than need be, a surrogate, beyond the last character.
    if ((first == 0xe0 && byte(i + 1) < 0xa0) || (first == 0xed && byte(i + 1) >= 0xa0) ||
        (first == 0xf0 && byte(i + 1) < 0x90) || (first == 0xf4 && byte(i + 1) >= 0x90))
      size = 0;
    if (size == 0) return i;
    i += size;
  }
  return text.size();
}

void write_hex(std::string_view bytes, char* out) {
  static constexpr auto pairs = [] {
    std::array<std::array<char, 2>, 256> table{};
    constexpr std::string_view digits = "0123456789abcdef";
    for (std::size_t byte = 0; byte < table.size(); ++byte)
      table[byte] = {digits[byte >> 4], digits[byte & 15]};
    return table;
  }();
  for (const char c : bytes) {
    std::memcpy(out, pairs[static_cast<unsigned char>(c)].data(), 2);
    out += 2;
  }
}

void append_hex(std::string& out, std::string_view bytes) {
  const std::size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  write_hex(bytes, out.data() + at);
}

bool glob_matches(std::string_view pattern, std::string_view text) {
  // One remembered star is enough: a later star makes the earlier choice final.
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && ascii_lower(pattern[p]) == ascii_lower(text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({row[j] + 1, row[j + 1] + 1, substituted});
    }
  }
  return row.back();
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  while (!text.empty()) {
    const int high = text.size() >= 3 && text[0] == '%' ? digit(text[1]) : -1;
    const int low = high >= 0 ? digit(text[2]) : -1;
    out += low >= 0 ? static_cast<char>(high * 16 + low) : text.front();
    text.remove_prefix(low >= 0 ? 3 : 1);
  }
  return out;
}

}  // namespace passerelle
