// What a certificate's issuer says of it now (RFC 6960): the question, and what to make of the answer. Who
// asks is for others.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "tls/certificate.h"

namespace passerelle::tls {

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

// Nothing where the certificate names no responder, or came without its issuer.
[[nodiscard]] std::optional<OcspQuestion> ocsp_question(const Certificate& certificate);
// Signed by the issuer or one it appointed, for this certificate, and valid now. The error is a sentence's
// part.
[[nodiscard]] std::expected<OcspAnswer, std::string> read_ocsp_answer(const Certificate& certificate,
                                                                      std::string_view answer);

}  // namespace passerelle::tls
