// What a listener speaks TLS by, and whom it trusts: values, resolved; tls/ makes contexts of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"

namespace passerelle::model {

enum class TlsVersion : std::uint8_t { v1_0, v1_1, v1_2, v1_3 };

// sslPolicy of the gateway or of a profile, with the floor of the local file already under it.
struct TlsPolicy {
  std::string name;  // "AppGwSslPolicy20220101", "Custom"
  TlsVersion lowest = TlsVersion::v1_2;
  TlsVersion highest = TlsVersion::v1_3;
  std::vector<std::string> suites;      // up to TLS 1.2, by OpenSSL's names, the preferred first
  std::vector<std::string> suites_1_3;  // by OpenSSL's names, which are the RFC's
  Location origin = {};
};

// trustedClientCertificates[], trustedRootCertificates[], authenticationCertificates[]: a file of
// certificates, PEM or DER. Values only; control/ reads files, tls/ reads certificates.
struct TrustedCertificate {
  enum class Use : std::uint8_t { clients, members, member_itself };
  std::string name;
  Use use = Use::members;
  std::string data;
  std::string path = {};  // a file of the local file's
  Location origin = {};
};

// clientAuthConfiguration of a profile, with the certificates it trusts.
struct ClientAuthentication {
  bool passthrough = false;    // asked for, not verified
  bool verify_issuer = false;  // verifyClientCertIssuerDN
  bool check_revocation = false;
  std::vector<std::size_t> authorities;  // into Gateway::trusted_certificates
};

// sslProfiles[]
struct TlsProfile {
  std::string name;
  std::optional<std::size_t> policy;  // into Gateway::tls_policies
  std::optional<ClientAuthentication> client_authentication;
};

// How the certificate of an Https member is verified: behaviour sheet, section 4.
struct MemberVerification {
  bool chain_and_expiry = true;          // validateCertChainAndExpiry
  bool name = true;                      // validateSNI: against the name sent
  std::string server_name;               // sniName: sent in place of the Host; empty: the Host
  std::vector<std::size_t> authorities;  // into Gateway::trusted_certificates; none: the system's
  bool system_authorities = true;        // these too
  std::vector<std::size_t>
      members_itself;  // authenticationCertificates: one of them, and nothing else counts

  friend bool operator==(const MemberVerification&, const MemberVerification&) = default;
};

}  // namespace passerelle::model
