// Cookies of a request (RFC 6265 section 5.4).
#pragma once

#include <optional>
#include <string_view>

#include "protocol/message_head.h"

namespace passerelle {

// The value of the first cookie of that name, case counting, as it stands; nothing if there is none.
[[nodiscard]] std::optional<std::string_view> find_cookie(const MessageHead& request, std::string_view name);

}  // namespace passerelle
