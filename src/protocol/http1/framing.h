// Where a body ends (RFC 9112 section 6), decided once, with everything refused that two parsers could read
// apart.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/limits.h"
#include "protocol/message_head.h"
#include "protocol/parse_error.h"

namespace passerelle::http1 {

// A value.
struct Framing {
  enum class Kind : std::uint8_t { none, length, chunked, until_close };
  Kind kind = Kind::none;
  std::uint64_t length = 0;

  [[nodiscard]] bool has_body() const { return kind != Kind::none; }
};

// Refused: Content-Length with Transfer-Encoding, more than one of either, a Content-Length that is not plain
// digits, Transfer-Encoding in HTTP/1.0 or other than "chunked" (501), a body over the limit (413).
[[nodiscard]] Parsed<Framing> request_framing(const MessageHead& head, const Limits& limits);

// `method` is the request's: a response to HEAD has no body whatever its fields say.
[[nodiscard]] Parsed<Framing> response_framing(const MessageHead& head, std::string_view method);

// Names in Connection, all its fields together. Each is compared with each field: past this many a head is
// refused.
inline constexpr std::size_t connection_options_max = 32;
[[nodiscard]] Parsed<void> check_connection_options(const MessageHead& head);

// Whether the sender lets the connection be used again after this message.
[[nodiscard]] bool is_persistent(const MessageHead& head);

}  // namespace passerelle::http1
