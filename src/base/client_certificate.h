// What is known of the certificate a client showed: for server variables, logs, and the answer to those whose
// certificate does not do. Source: Azure, "mutual authentication", "rewrite HTTP headers and URL" (server
// variables); behaviour sheet, sections 3.3 and 7.
#pragma once

#include <string>

namespace passerelle {

// A value. All texts but `verification` are empty where the client showed none.
struct ClientCertificate {
  std::string verification = "NONE";  // "SUCCESS", "FAILED:<reason>"
  std::string pem;                    // percent-encoded
  std::string subject, issuer;        // RFC 2253
  std::string serial;                 // hex
  std::string fingerprint;            // SHA-1, hex
  std::string not_before, not_after;  // "Nov 22 21:41:12 2026 GMT"

  [[nodiscard]] bool is_verified() const { return verification == "SUCCESS"; }
  [[nodiscard]] bool was_shown() const { return !pem.empty(); }
};

}  // namespace passerelle
