// Digests and base64, from libcrypto (docs/decisions/0003): the handshake of a WebSocket needs SHA-1, ARM
// needs base64.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace passerelle {

[[nodiscard]] std::array<char, 20> sha1(std::string_view data);
[[nodiscard]] std::array<char, 32> hmac_sha256(std::string_view key, std::string_view data);
[[nodiscard]] std::string to_base64(std::string_view data);

// Strict RFC 4648 section 4: padding required, no blanks, no stray bits; nothing if it is not that.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace passerelle
