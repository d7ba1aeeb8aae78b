// What both sides of TLS have in common; for tls/ itself.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "tls/openssl_handles.h"

namespace passerelle::tls {

[[nodiscard]] std::unexpected<std::string> openssl_failure(std::string_view what);

// TLS 1.2 and 1.3, no renegotiation, no compression; little memory for who is idle.
void set_common_options(SSL_CTX* context);

}  // namespace passerelle::tls
