// The character classes of RFC 9110 section 5.6.2 and 5.5, and of hosts, as one table.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace passerelle::http1 {

enum CharacterClass : std::uint8_t {
  token_character = 1,
  value_character = 2,
  target_character = 4,
  host_character = 8,
};

inline constexpr auto character_classes = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0x21; c <= 0x7e; ++c) table[c] = value_character | target_character;
  table['#'] = value_character;  // a fragment never travels (RFC 9112 section 3.2)
  table[' '] = value_character;
  table['\t'] = value_character;
  for (unsigned c = 0x80; c <= 0xff; ++c) table[c] = value_character;
  for (const char c :
       std::string_view("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    table[static_cast<unsigned char>(c)] |= token_character;
  }
  // reg-name of RFC 3986 section 3.2.2, less what no host name has and attacks do.
  for (const char c :
       std::string_view("-._~%!$&'()*+;=0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    table[static_cast<unsigned char>(c)] |= host_character;
  }
  return table;
}();

[[nodiscard]] constexpr bool is(char c, CharacterClass wanted) {
  return (character_classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all(std::string_view text, CharacterClass wanted) {
  std::uint8_t common = wanted;  // without a branch a character
  for (const char c : text) common &= character_classes[static_cast<unsigned char>(c)];
  return common != 0;
}

// How many characters a field's value may hold stand at the text's beginning: eight at a time, and only what
// holds a control character is looked at closely.
[[nodiscard]] inline std::size_t field_value_prefix(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + at, sizeof eight);
    const std::uint64_t below_blank = (eight - ones * 0x20) & ~eight;
    const std::uint64_t not_delete = eight ^ (ones * 0x7f);
    const std::uint64_t is_delete = (not_delete - ones) & ~not_delete;
    const std::uint64_t controls = (below_blank | is_delete) & tops;
    if (controls == 0) continue;
    // The first that is marked is one; those behind it may be marked by its borrow.
    static_assert(std::endian::native == std::endian::little);
    const std::size_t first = at + static_cast<std::size_t>(std::countr_zero(controls)) / 8;
    if (text[first] != '\t') return first;
    for (std::size_t i = first; i < at + sizeof eight; ++i) {
      if (!is(text[i], value_character)) return i;
    }
  }
  while (at < text.size() && is(text[at], value_character)) ++at;
  return at;
}

[[nodiscard]] inline bool is_field_value(std::string_view text) {
  return field_value_prefix(text) == text.size();
}

[[nodiscard]] constexpr bool is_token(std::string_view text) {
  return !text.empty() && all(text, token_character);
}

}  // namespace passerelle::http1
