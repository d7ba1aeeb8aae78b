// The character classes of RFC 9110 section 5.6.2 and 5.5, as one table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace passerelle::http1 {

enum CharacterClass : std::uint8_t { token_character = 1, value_character = 2, target_character = 4 };

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
  return table;
}();

[[nodiscard]] constexpr bool is(char c, CharacterClass wanted) {
  return (character_classes[static_cast<unsigned char>(c)] & wanted) != 0;
}

[[nodiscard]] constexpr bool all(std::string_view text, CharacterClass wanted) {
  for (const char c : text) {
    if (!is(c, wanted)) return false;
  }
  return true;
}

[[nodiscard]] constexpr bool is_token(std::string_view text) {
  return !text.empty() && all(text, token_character);
}

}  // namespace passerelle::http1
