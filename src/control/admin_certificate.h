// What the admin listener shows of itself over HTTPS.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "control/state_folder.h"
#include "tls/certificate.h"

namespace passerelle::control {

// PEM files; both empty: one is made.
struct CertificateFiles {
  std::string chain;
  std::string key;
};

// The one of the files; or one for this machine's name and loopback, made once, kept in the state folder
// (admin.crt, which clients may be told to trust, and admin.key), and made anew before it ends. `now` in
// seconds since 1970. The error is a sentence.
[[nodiscard]] std::expected<tls::Certificate, std::string> admin_certificate(const CertificateFiles& files,
                                                                             const StateFolder& state,
                                                                             std::int64_t now);
inline constexpr const char* made_certificate_name = "admin.crt";

}  // namespace passerelle::control
