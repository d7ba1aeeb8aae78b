// The Location of a redirect.
// Source: behaviour sheet, section 6; what Azure leaves open: docs/decisions/0011.
#pragma once

#include <string>
#include <string_view>

#include "model/gateway.h"

namespace passerelle::policy {

// Views outlive the call.
struct RedirectFacts {
  std::string_view host;          // of the request, without the port
  std::string_view path;          // as sent
  std::string_view query;         // without the '?'
  std::uint16_t target_port = 0;  // where the target listener can really be reached
};

// Empty: there is no host to go to (HTTP/1.0 without Host); the request is a 400.
[[nodiscard]] std::string redirect_location(const model::Gateway& gateway, const model::Redirect& redirect,
                                            const RedirectFacts& facts);

}  // namespace passerelle::policy
