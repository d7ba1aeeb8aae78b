#include "base/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstdint>

namespace passerelle {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  }
  return values;
}

constexpr auto values = make_values();

}  // namespace

std::array<char, 20> sha1(std::string_view data) {
  std::array<char, 20> out{};
  SHA1(static_cast<const unsigned char*>(static_cast<const void*>(data.data())), data.size(),
       static_cast<unsigned char*>(static_cast<void*>(out.data())));
  return out;
}

std::array<char, 32> hmac_sha256(std::string_view key, std::string_view data) {
  std::array<char, 32> out{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       static_cast<const unsigned char*>(static_cast<const void*>(data.data())), data.size(),
       static_cast<unsigned char*>(static_cast<void*>(out.data())), nullptr);
  return out;
}

std::string to_base64(std::string_view data) {
  std::string out((data.size() + 2) / 3 * 4, '=');
  const auto byte = [&](std::size_t i) { return i < data.size() ? static_cast<unsigned char>(data[i]) : 0U; };
  for (std::size_t i = 0, to = 0; i < data.size(); i += 3, to += 4) {
    const std::uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    const std::size_t n = std::min<std::size_t>(3, data.size() - i);
    for (std::size_t j = 0; j <= n; ++j) out[to + j] = alphabet[word >> (18 - 6 * j) & 63];
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && text.size() > padding && text[text.size() - 1 - padding] == '=') ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < text.size() - padding; ++i) {
    const auto value = values[static_cast<unsigned char>(text[i])];
    if (value < 0) return std::nullopt;
    word = word << 6 | static_cast<std::uint32_t>(value);
    if (i % 4 == 3) {
      for (int shift = 16; shift >= 0; shift -= 8) out += static_cast<char>(word >> shift);
      word = 0;
    }
  }
  if (padding == 1) {
    if ((word & 3U) != 0) return std::nullopt;
    out += static_cast<char>(word >> 10);
    out += static_cast<char>(word >> 2);
  } else if (padding == 2) {
    if ((word & 15U) != 0) return std::nullopt;
    out += static_cast<char>(word >> 4);
  }
  return out;
}

}  // namespace passerelle
