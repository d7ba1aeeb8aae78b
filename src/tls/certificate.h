// A certificate with its key and chain, from a PFX, from PEM, or made here.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace passerelle::tls {

// Why a certificate cannot be used, as a sentence; and whether it is the password's fault.
struct CertificateError {
  bool wrong_password = false;
  std::string message;
};

// A value of shared, immutable parts; any thread.
class Certificate {
 public:
  using Outcome = std::expected<Certificate, CertificateError>;
  // Of the password's check; who wants more wants our processor. Windows asks for 2,000, OpenSSL for 2,048.
  static constexpr std::int64_t pfx_iterations_max = 2'000'000;

  // PKCS#12, as sslCertificates[].data holds it. The key must be in it and fit the certificate.
  [[nodiscard]] static Outcome from_pfx(std::string_view bytes, const std::string& password);
  // A PEM chain, leaf first, and a PEM private key.
  [[nodiscard]] static Outcome from_pem(std::string_view chain, std::string_view key);
  // EC P-256 (or RSA 2048), valid for a year from now, for these names and the loopback addresses.
  [[nodiscard]] static Outcome self_signed(std::span<const std::string> host_names, bool rsa = false);

  struct Parts;
  [[nodiscard]] const Parts& parts() const { return *parts_; }
  // The end of its validity, or that of its chain where it is earlier; in seconds since 1970.
  [[nodiscard]] std::int64_t not_after() const;
  // Whether a client that asks for the host takes it as that host's (RFC 6125).
  [[nodiscard]] bool is_for(const std::string& host) const;
  // Why the certificates that came with it are not its chain, as a sentence; empty where they are, or where
  // none came.
  [[nodiscard]] std::string chain_error() const;
  [[nodiscard]] bool is_rsa() const;              // else EC
  [[nodiscard]] std::string fingerprint() const;  // SHA-256, bytes
  // Leaf and chain as PKCS #7, DER: without the key.
  [[nodiscard]] std::string public_part() const;
  // As from_pem() takes them.
  [[nodiscard]] std::string chain_pem() const;
  [[nodiscard]] std::string key_pem() const;

 private:
  explicit Certificate(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace passerelle::tls
