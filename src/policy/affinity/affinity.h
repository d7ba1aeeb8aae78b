// Cookie-based affinity: a client that got a cookie goes on to the same member.
// Source: behaviour sheet, section 8.2; docs/decisions/0013.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "protocol/message_head.h"

namespace passerelle::policy {

// What a member's cookie holds: a keyed digest, the same on every instance that has the key, from which
// neither the member nor another's value can be told.
[[nodiscard]] std::string affinity_value(std::string_view key, std::string_view member);

// What the client's cookie of that name says; the twin for cross-site requests, NAMECORS, where it has only
// that.
[[nodiscard]] std::optional<std::string_view> affinity_asked(const MessageHead& request,
                                                             std::string_view name);

// Both cookies, as Azure sets them: for the session, for all paths; the second for cross-site requests.
void add_affinity_cookies(MessageHead& response, std::string_view name, std::string_view value);

}  // namespace passerelle::policy
