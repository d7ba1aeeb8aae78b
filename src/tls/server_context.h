// What a listener's handshakes are made with.
#pragma once

#include <array>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tls/authorities.h"
#include "tls/certificate.h"
#include "tls/openssl_handles.h"
#include "tls/staples.h"
#include "tls/ticket_keys.h"

namespace passerelle::tls {

// Which protocols and suites, by OpenSSL's names, the preferred first.
struct Policy {
  int lowest = TLS1_2_VERSION;
  int highest = TLS1_3_VERSION;
  std::vector<std::string> suites;  // up to TLS 1.2; none: there is only 1.3
  std::vector<std::string> suites_1_3;
};

// Those of the suites that this OpenSSL cannot speak.
[[nodiscard]] std::vector<std::string> suites_lacking(const Policy& policy);
// Whether some suite of the policy goes with a key of that kind: RSA, or EC.
[[nodiscard]] bool has_suite_for(const Policy& policy, bool rsa);
// Why no handshake can be made with it (its key is too small), as a sentence's part; empty if one can.
[[nodiscard]] std::string unusable(const Certificate& certificate);

// Mutual TLS: whether clients are asked for a certificate, and what is made of it. A handshake never fails by
// it: what came of it is ClientCertificate::verification, for HTTP to answer.
struct ClientAuthentication {
  bool passthrough = false;       // asked for, not verified
  bool verify_issuer = false;     // who issued it must be among the authorities, not only its root
  bool check_revocation = false;  // no session is resumed then: each handshake is checked
  Authorities authorities;

  // The same for the same demands: what a handshake satisfied.
  [[nodiscard]] std::string identity() const;
};

// One of the listeners that share a port.
struct Site {
  std::vector<std::string> host_names;  // with wildcards; none: every host
  Certificate certificate;
  Policy policy = {};
  std::optional<ClientAuthentication> client_authentication = {};
  bool http2 = false;  // before HTTP/1.1, where the client has it too
};

// A resource shared by all workers; immutable once made. No renegotiation, no compression, no 0-RTT. ALPN
// chooses h2 where the site has it and the suite is one that HTTP/2 may go by, or else http/1.1. The client's
// SNI chooses the first site that is for that name; without a name it is the first that is for every host;
// where none fits, the first of all (behaviour sheet, section 3.1). A session is resumed only where
// certificate, policy and client authentication are what they were.
class ServerContext {
 public:
  [[nodiscard]] static std::expected<std::shared_ptr<const ServerContext>, std::string> make(
      std::vector<Site> sites, std::shared_ptr<TicketKeys> ticket_keys,
      std::shared_ptr<const Staples> staples);
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  [[nodiscard]] SSL_CTX* get() const { return sites_.front().context.get(); }
  // What the site that was chosen demands of the client.
  [[nodiscard]] const std::optional<ClientAuthentication>& demands_on(const SSL* ssl) const;

 private:
  struct Prepared {
    Site site;
    ContextHandle context;
    std::string fingerprint;  // of its certificate
    TicketKeys* ticket_keys = nullptr;
    const Staples* staples = nullptr;
  };
  ServerContext(std::vector<Prepared> sites, std::shared_ptr<TicketKeys> ticket_keys,
                std::shared_ptr<const Staples> staples)
      : sites_(std::move(sites)), ticket_keys_(std::move(ticket_keys)), staples_(std::move(staples)) {}
  static int on_client_hello(SSL* ssl, int* alert, void* self);
  static int on_verify(int sound, X509_STORE_CTX* verification);
  static int on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                       EVP_MAC_CTX* mac, int sealing);
  static int on_status_request(SSL* ssl, void* unused);
  static std::expected<Prepared, std::string> prepare(Site site);
  [[nodiscard]] const Prepared& choose(std::optional<std::string_view> name) const;

  std::vector<Prepared> sites_;
  std::shared_ptr<TicketKeys> ticket_keys_;
  std::shared_ptr<const Staples> staples_;
};

}  // namespace passerelle::tls
