// The opening handshake of a WebSocket (RFC 6455 section 4), as a gateway between the two ends must judge it.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "protocol/http1/framing.h"
#include "protocol/message_head.h"
#include "protocol/parse_error.h"

namespace passerelle::websocket {

// Whether the request asks for a WebSocket. An Upgrade that does not count (HTTP/1.0, no "upgrade" in
// Connection, another method or protocol) is no request for one, and is not forwarded (RFC 9110 section 7.8).
// Refused with 400: no key, two keys, a key that is not 16 bytes of base64, a body.
// Sec-WebSocket-Version is the backend's to judge: its 426 passes.
[[nodiscard]] Parsed<bool> asks_for_websocket(const MessageHead& head, const http1::Framing& framing);

// Sec-WebSocket-Accept for a key: RFC 6455 section 4.2.2.
[[nodiscard]] std::string accept_for(std::string_view key);

// Whether a 101 answers a handshake with that accept value. Anything else with status 101 is a 502 and no
// tunnel.
[[nodiscard]] Parsed<void> check_switch(const MessageHead& response, std::string_view expected_accept);

}  // namespace passerelle::websocket
