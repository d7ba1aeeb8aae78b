// What a handshake is made with: on a listener, and toward a backend.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "tls/certificate.h"
#include "tls/openssl_handles.h"

namespace passerelle::tls {

// A listener's certificate, and the hosts it is for (with wildcards); none: every host.
struct NamedCertificate {
  std::vector<std::string> host_names;
  Certificate certificate;
};

// A resource shared by all workers; immutable once made. TLS 1.2 and 1.3, no renegotiation, no compression,
// no 0-RTT; ALPN chooses http/1.1. The client's SNI chooses the first certificate that is for that name;
// without a name, or where none fits, it is the first of all.
class ServerContext {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const ServerContext>, std::string> make(
      const std::vector<NamedCertificate>& certificates);
  [[nodiscard]] SSL_CTX* get() const { return sites_.front().context.get(); }

 private:
  struct Site {
    std::vector<std::string> host_names;
    ContextHandle context;
  };
  explicit ServerContext(std::vector<Site> sites) : sites_(std::move(sites)) {}
  static int choose_site(SSL* ssl, int* alert, void* self);
  std::vector<Site> sites_;
};

// Toward backends. The peer's certificate is not verified yet (docs/decisions/0006).
class ClientContext {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const ClientContext>, std::string> make();
  // For others than members: the chain must lead to one of the system's authorities. Which name it must be
  // for is TlsStream::verify_name()'s.
  [[nodiscard]] static std::expected<std::shared_ptr<const ClientContext>, std::string> make_verifying();
  [[nodiscard]] SSL_CTX* get() const { return context_.get(); }

 private:
  explicit ClientContext(ContextHandle context) : context_(std::move(context)) {}
  ContextHandle context_;
};

}  // namespace passerelle::tls
