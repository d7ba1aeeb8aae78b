// What a request is for: its host and path, from the target and the Host field (RFC 9112 section 3.2).
#pragma once

#include <string_view>

#include "protocol/message_head.h"
#include "protocol/parse_error.h"

namespace passerelle::http1 {

// A value whose views point into the head.
struct RequestTarget {
  std::string_view authority;  // host and port as the client wrote them; empty only in HTTP/1.0
  std::string_view host;       // without the port
  std::string_view
      origin;  // path and query: "/chat?x=1"; "*" for OPTIONS *; "/" where the target has no path
  std::string_view path;
  std::string_view query;  // without the '?'
};

// The host of "host:port" without its port. Refused: what is no host, and a port that is no number.
[[nodiscard]] Parsed<std::string_view> host_of(std::string_view authority);

// Refused: no Host in HTTP/1.1, more than one Host, a host with user info, a blank, a comma or a port that is
// none; CONNECT (405) and TRACE (405). An absolute target's host wins over Host (RFC 9112 section 3.2.2).
[[nodiscard]] Parsed<RequestTarget> request_target(const MessageHead& head);

}  // namespace passerelle::http1
