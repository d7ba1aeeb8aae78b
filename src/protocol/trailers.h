// What may stand behind a body.
#pragma once

#include "protocol/message_head.h"

namespace passerelle {

// RFC 9110 section 6.5.1: what frames, routes, authenticates, or says how to read a message comes too late
// there.
[[nodiscard]] bool may_be_trailer(const MessageHead& trailers, const MessageHead::Field& field);

}  // namespace passerelle
