// What a certificate's issuer says of it now (RFC 6960): the question, and what to make of the answer. Who
// asks is for others.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "tls/certificate.h"
#include "tls/openssl_handles.h"

namespace passerelle::tls {

// A certificate and who issued it. A value of shared, immutable parts; any thread.
class Issued {
 public:
  // Takes references of its own.
  Issued(X509* certificate, X509* issuer);
  // Ours, where it came with its issuer.
  [[nodiscard]] static std::optional<Issued> of(const Certificate& certificate);
  // The client's, of a handshake that has verified it just now.
  [[nodiscard]] static std::optional<Issued> of_client(const SSL* ssl);

  [[nodiscard]] X509* certificate() const { return certificate_.get(); }
  [[nodiscard]] X509* issuer() const { return issuer_.get(); }
  [[nodiscard]] std::string fingerprint() const;  // SHA-256, bytes

 private:
  std::shared_ptr<X509> certificate_, issuer_;
};

struct OcspQuestion {
  std::string url;      // of the responder, as the certificate names it
  std::string request;  // DER, for a POST as application/ocsp-request
};

struct OcspAnswer {
  enum class Status : std::uint8_t { good, revoked, unknown };
  Status status = Status::unknown;
  std::int64_t next_update = 0;  // seconds since 1970, when it must be asked again; 0: it does not say
};

// No DER answer worth reading is longer.
constexpr std::size_t ocsp_bytes_max = std::size_t{64} * 1024;

// Nothing where the certificate names no responder.
[[nodiscard]] std::optional<OcspQuestion> ocsp_question(const Issued& issued);
// Signed by the issuer or one it appointed, for this certificate, and valid now. The error is a sentence's
// part.
[[nodiscard]] std::expected<OcspAnswer, std::string> read_ocsp_answer(const Issued& issued,
                                                                      std::string_view answer);

}  // namespace passerelle::tls
