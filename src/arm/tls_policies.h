// Azure's predefined TLS policies, and its names of cipher suites. Source: "Application Gateway TLS policy
// overview"; behaviour sheet, section 3.2.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/tls.h"

namespace passerelle::arm {

struct CipherSuite {
  std::string_view name;     // Azure's
  std::string_view openssl;  // as OpenSSL calls it
  bool is_dhe = false;       // v2 passes over these without a word
};

struct PredefinedTlsPolicy {
  std::string_view name;
  model::TlsVersion lowest;
  model::TlsVersion highest;
  std::span<const std::string_view> suites;  // Azure's names, the preferred first; TLS 1.3's first of all
};

[[nodiscard]] std::span<const CipherSuite> cipher_suites();
[[nodiscard]] std::span<const std::string_view> tls13_cipher_suites();
[[nodiscard]] std::span<const PredefinedTlsPolicy> predefined_tls_policies();

// Ignoring case; null if there is none of that name.
[[nodiscard]] const CipherSuite* find_cipher_suite(std::string_view name);
[[nodiscard]] const PredefinedTlsPolicy* find_tls_policy(std::string_view name);

// What holds without an sslPolicy.
[[nodiscard]] std::string_view default_tls_policy(std::string_view api_version);

// "TLSv1_2", as templates write it; nothing if it is none.
[[nodiscard]] std::optional<model::TlsVersion> parse_tls_version(std::string_view text);
[[nodiscard]] std::string_view to_string(model::TlsVersion version);  // "TLS 1.2"

}  // namespace passerelle::arm
