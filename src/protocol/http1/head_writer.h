// Writes a head out, field by field as it stands (RFC 9112 sections 3 and 4).
#pragma once

#include <string>

#include "protocol/message_head.h"

namespace passerelle::http1 {

// "METHOD target HTTP/1.1", the fields, the empty line.
void append_request_head(std::string& out, const MessageHead& head);
// "HTTP/1.1 status reason", the fields, the empty line.
void append_response_head(std::string& out, const MessageHead& head);

}  // namespace passerelle::http1
