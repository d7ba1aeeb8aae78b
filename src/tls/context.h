// What a handshake is made with: on a listener, and toward a backend.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "tls/certificate.h"
#include "tls/openssl_handles.h"

namespace passerelle::tls {

// A resource shared by all workers; immutable once made. TLS 1.2 and 1.3, no renegotiation, no compression,
// no 0-RTT; ALPN chooses http/1.1.
class ServerContext {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const ServerContext>, std::string> make(
      const Certificate& certificate);
  [[nodiscard]] SSL_CTX* get() const { return context_.get(); }

 private:
  explicit ServerContext(ContextHandle context) : context_(std::move(context)) {}
  ContextHandle context_;
};

// Toward backends. The peer's certificate is not verified yet (docs/decisions/0006).
class ClientContext {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const ClientContext>, std::string> make();
  [[nodiscard]] SSL_CTX* get() const { return context_.get(); }

 private:
  explicit ClientContext(ContextHandle context) : context_(std::move(context)) {}
  ContextHandle context_;
};

}  // namespace passerelle::tls
