#include "tls/settings.h"

#include <openssl/err.h>

namespace passerelle::tls {

std::unexpected<std::string> openssl_failure(std::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return std::unexpected(std::string(what) + ": " + (reason != nullptr ? reason : "unknown reason"));
}

void set_common_options(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle connections are what a gateway has most of: their record buffers go back between records.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

}  // namespace passerelle::tls
