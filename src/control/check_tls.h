// What can be known of certificates and policies before anything is opened: read, and said at its line.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/problem.h"
#include "model/gateway.h"
#include "tls/certificate.h"

namespace passerelle::control {

using Certificates = std::vector<std::optional<tls::Certificate>>;

// By the model's certificates; nothing where one cannot be used, which is said, or is made later.
[[nodiscard]] Certificates read_certificates(const std::vector<model::Certificate>& certificates,
                                             Problems& problems);

// Trusted client certificates, roots and authentication certificates: each file holds what its use asks for.
void check_trusted_certificates(const std::vector<model::TrustedCertificate>& trusted, Problems& problems);

// Whether each listener's policy can be spoken, with its certificate.
void check_policies(const model::Gateway& gateway, const Certificates& certificates, Problems& problems);

// Warnings: a certificate that ends soon, a chain that does not hold, a certificate that a client which asks
// for the listener's host would not take. `now` in seconds since 1970; 0: unknown.
void lint_certificates(const model::Gateway& gateway, const Certificates& certificates, std::int64_t now,
                       Problems& problems);

}  // namespace passerelle::control
