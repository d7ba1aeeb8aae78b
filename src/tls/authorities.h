// Certificates that are trusted: to sign clients' or members' certificates, or to be a member's itself.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tls/openssl_handles.h"

namespace passerelle::tls {

// A value of shared, immutable certificates; any thread.
class Authorities {
 public:
  enum class Wrong : std::uint8_t { no_certificate, private_key };
  Authorities() = default;

  // PEM, one or several; or one DER. What else is in a PEM file is passed over, but not a private key.
  [[nodiscard]] static std::expected<Authorities, Wrong> read(std::string_view bytes);

  // How many of them may sign others, and how many of those sign themselves.
  [[nodiscard]] std::size_t authority_count() const;
  [[nodiscard]] std::size_t root_count() const;
  // Only those that may sign others.
  [[nodiscard]] Authorities without_leaves() const;
  void add(const Authorities& others);

  [[nodiscard]] bool empty() const { return certificates_.empty(); }
  [[nodiscard]] bool holds(const X509* certificate) const;
  // A store that trusts these, and the system's too if that is wanted.
  [[nodiscard]] StoreHandle make_store(bool system_too) const;
  // For the handshake: whose certificates a client may send.
  void name_to(SSL_CTX* context) const;
  // SHA-256 over all of them.
  [[nodiscard]] std::string digest() const;

 private:
  std::vector<std::shared_ptr<X509>> certificates_;
};

}  // namespace passerelle::tls
