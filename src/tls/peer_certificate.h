// Reads the client's certificate off a handshake.
#pragma once

#include <openssl/types.h>

#include "base/client_certificate.h"

namespace passerelle::tls {

// Of a handshake that has ended. `verified`: the site wanted it judged; otherwise it is only passed on.
[[nodiscard]] ClientCertificate client_certificate(SSL* ssl, bool verified);

}  // namespace passerelle::tls
