// What a handshake toward a member, or another server, is made with.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "tls/authorities.h"
#include "tls/openssl_handles.h"

namespace passerelle::tls {

// How a server's certificate is verified. The name it must be for is TlsStream's server name.
struct Verification {
  bool chain_and_expiry = true;
  bool name = true;  // where there is one
  Authorities authorities;
  bool system_authorities = true;
  Authorities servers_themselves;  // not empty: it must be one of these, and nothing else counts (v1)
};

// A resource for all workers; immutable once made. TLS 1.2 and 1.3, no session is resumed: each connection is
// verified.
class ClientContext {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const ClientContext>, std::string> make(
      Verification verification);
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ~ClientContext() = default;

  [[nodiscard]] SSL_CTX* get() const { return context_.get(); }
  [[nodiscard]] bool verifies_name() const;

 private:
  ClientContext(ContextHandle context, Verification verification)
      : context_(std::move(context)), verification_(std::move(verification)) {}
  static int on_verify(int sound, X509_STORE_CTX* state);
  ContextHandle context_;
  const Verification verification_;
};

// Why a server's certificate was refused, as a sentence; null if it was not.
[[nodiscard]] const char* verification_failure(const SSL* ssl);

}  // namespace passerelle::tls
