// The server_name extension of a ClientHello (RFC 6066 section 3), as bytes.
#pragma once

#include <optional>
#include <string_view>

namespace passerelle::tls {

// The host name in it; nothing if there is none, or if it is no such extension.
[[nodiscard]] std::optional<std::string_view> parse_server_name(std::string_view extension);

}  // namespace passerelle::tls
