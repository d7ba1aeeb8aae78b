// The portal's files, as answers.
#pragma once

#include <optional>

#include "http/server.h"

namespace passerelle::admin {

// Nothing: the path is no file of it.
[[nodiscard]] std::optional<http::Response> portal_page(const http::Request& request);

}  // namespace passerelle::admin
