// What a request is, and whether it can be taken at all: the first stage of every decision.
#pragma once

#include "base/limits.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/request_target.h"
#include "protocol/message_head.h"
#include "protocol/parse_error.h"

namespace passerelle::policy {

// A value whose views point into the head.
struct Asked {
  http1::RequestTarget target;
  http1::Framing framing;
  bool websocket = false;
};

// Refused with its status: no or two Hosts, CONNECT and TRACE, framing that could be read two ways, a
// handshake that is none, an expectation other than 100-continue.
[[nodiscard]] Parsed<Asked> judge(const MessageHead& request, const Limits& limits);

}  // namespace passerelle::policy
