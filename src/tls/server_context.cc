#include "tls/server_context.h"

#include <openssl/err.h>

#include <algorithm>
#include <string_view>

#include "base/host_pattern.h"
#include "tls/certificate_parts.h"
#include "tls/server_name.h"
#include "tls/settings.h"

namespace passerelle::tls {
namespace {

// RFC 9113 section 9.2: at least TLS 1.2, and there no suite of its appendix A, which are those without AEAD
// or without an ephemeral key exchange. Clients end a connection that goes by one; with HTTP/1.1 they go on.
bool goes_with_http2(SSL* ssl) {
  if (SSL_version(ssl) != TLS1_2_VERSION) return SSL_version(ssl) == TLS1_3_VERSION;
  const SSL_CIPHER* suite = SSL_get_pending_cipher(ssl);
  if (suite == nullptr) return false;
  const int exchange = SSL_CIPHER_get_kx_nid(suite);
  return SSL_CIPHER_is_aead(suite) == 1 && (exchange == NID_kx_ecdhe || exchange == NID_kx_dhe);
}

int choose_protocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned offered_size, void* http2) {
  static constexpr std::array<unsigned char, 12> protocols{2,   'h', '2', 8,   'h', 't',
                                                           't', 'p', '/', '1', '.', '1'};
  const std::size_t first = http2 != nullptr && goes_with_http2(ssl) ? 0 : 3;
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, protocols.data() + first,
                            static_cast<unsigned>(protocols.size() - first), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2: no_application_protocol
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

int accept_server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) {
    if (!out.empty()) out += ':';
    out += name;
  }
  return out;
}

bool set_certificate(SSL_CTX* context, const Certificate::Parts& parts) {
  if (SSL_CTX_use_certificate(context, parts.leaf.get()) != 1) return false;
  if (SSL_CTX_use_PrivateKey(context, parts.key.get()) != 1) return false;
  return std::ranges::all_of(
      parts.chain, [&](const auto& link) { return SSL_CTX_add1_chain_cert(context, link.get()) == 1; });
}

bool set_policy(SSL_CTX* context, const Policy& policy) {
  SSL_CTX_set_min_proto_version(context, policy.lowest);
  SSL_CTX_set_max_proto_version(context, policy.highest);
  // Below TLS 1.2 handshakes are signed with SHA-1, which the usual level forbids.
  if (policy.lowest < TLS1_2_VERSION) SSL_CTX_set_security_level(context, 0);
  if (policy.highest == TLS1_3_VERSION &&
      SSL_CTX_set_ciphersuites(context, joined(policy.suites_1_3).c_str()) != 1)
    return false;
  if (policy.lowest == TLS1_3_VERSION) return true;
  if (SSL_CTX_set_cipher_list(context, joined(policy.suites).c_str()) == 1) return true;
  // No suite for anything older: then there is only TLS 1.3.
  ERR_clear_error();
  return policy.highest == TLS1_3_VERSION && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1;
}

std::string sha256(std::string_view text) {
  std::array<char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), static_cast<unsigned char*>(static_cast<void*>(out.data())), &size,
             EVP_sha256(), nullptr);
  return {out.data(), size};
}

// What a session must have been made by to be resumed.
std::string session_identity(const Site& site) {
  const Policy& policy = site.policy;
  const auto& demands = site.client_authentication;
  return sha256(site.certificate.fingerprint() + std::to_string(policy.lowest) + '-' +
                std::to_string(policy.highest) + joined(policy.suites) + '/' + joined(policy.suites_1_3) +
                (demands ? demands->identity() : ""));
}

}  // namespace

std::vector<std::string> suites_lacking(const Policy& policy) {
  std::vector<std::string> out;
  const ContextHandle context(SSL_CTX_new(TLS_server_method()));
  for (const std::string& suite : policy.suites) {
    if (SSL_CTX_set_cipher_list(context.get(), suite.c_str()) != 1) out.push_back(suite);
  }
  for (const std::string& suite : policy.suites_1_3) {
    if (SSL_CTX_set_ciphersuites(context.get(), suite.c_str()) != 1) out.push_back(suite);
  }
  ERR_clear_error();
  return out;
}

bool has_suite_for(const Policy& policy, bool rsa) {
  if (policy.highest == TLS1_3_VERSION && !policy.suites_1_3.empty()) return true;
  const auto lacking = suites_lacking(policy);
  return std::ranges::any_of(policy.suites, [&](const std::string& suite) {
    const bool ecdsa = suite.find("ECDSA") != std::string::npos;
    return ecdsa != rsa && std::ranges::find(lacking, suite) == lacking.end();
  });
}

std::string unusable(const Certificate& certificate) {
  ERR_clear_error();
  const ContextHandle context(SSL_CTX_new(TLS_server_method()));
  if (set_certificate(context.get(), certificate.parts())) return {};
  return openssl_failure("OpenSSL refuses it").error();
}

std::string ClientAuthentication::identity() const {
  return sha256(std::string(passthrough ? "passthrough " : "strict ") + (verify_issuer ? "issuer " : "") +
                (check_revocation ? "revocation " : "") + authorities.digest());
}

ServerContext::~ServerContext() = default;

const ServerContext::Prepared& ServerContext::choose(std::optional<std::string_view> name) const {
  const auto found = std::ranges::find_if(sites_, [&](const Prepared& each) {
    const auto& names = each.site.host_names;
    if (names.empty()) return true;
    return name && std::ranges::any_of(
                       names, [&](const std::string& pattern) { return host_matches(pattern, *name); });
  });
  return found == sites_.end() ? sites_.front() : *found;
}

// Before the version is chosen and a session looked up: both are the site's.
int ServerContext::on_client_hello(SSL* ssl, int* /*alert*/, void* self) {
  const auto& context = *static_cast<const ServerContext*>(self);
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  std::optional<std::string_view> name;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &size) == 1)
    name = parse_server_name({static_cast<const char*>(static_cast<const void*>(bytes)), size});
  const Prepared& chosen = context.choose(name);
  if (chosen.context.get() == context.get()) return SSL_CLIENT_HELLO_SUCCESS;
  if (SSL_set_SSL_CTX(ssl, chosen.context.get()) == nullptr) return SSL_CLIENT_HELLO_ERROR;
  // These were taken over from the first site when the connection began.
  SSL_set_min_proto_version(ssl, chosen.site.policy.lowest);
  SSL_set_max_proto_version(ssl, chosen.site.policy.highest);
  SSL_set_security_level(ssl, SSL_CTX_get_security_level(chosen.context.get()));
  SSL_set_verify(ssl, SSL_CTX_get_verify_mode(chosen.context.get()), on_verify);
  SSL_clear_options(ssl, SSL_OP_NO_TICKET);
  SSL_set_options(ssl, SSL_CTX_get_options(chosen.context.get()) & SSL_OP_NO_TICKET);
  SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(chosen.context.get()));
  return SSL_CLIENT_HELLO_SUCCESS;
}

// A verdict never ends the handshake: HTTP answers (behaviour sheet, section 3.3).
int ServerContext::on_verify(int sound, X509_STORE_CTX* verification) {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* prepared = static_cast<const Prepared*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const auto& demands = prepared->site.client_authentication;
  const bool at_leaf = sound == 1 && X509_STORE_CTX_get_error_depth(verification) == 0 &&
                       X509_STORE_CTX_get_error(verification) == X509_V_OK;
  if (at_leaf && demands && demands->verify_issuer) {
    const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(verification);
    const X509* issuer = sk_X509_num(chain) > 1 ? sk_X509_value(chain, 1) : nullptr;
    if (issuer == nullptr || !demands->authorities.holds(issuer))
      X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
  }
  return 1;
}

int ServerContext::on_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                             EVP_MAC_CTX* mac, int sealing) {
  auto* keys = static_cast<const Prepared*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->ticket_keys;
  return sealing == 1 ? keys->seal(name, iv, cipher, mac) : keys->open(name, iv, cipher, mac);
}

// The client wants to see what the issuer says of the certificate now.
int ServerContext::on_status_request(SSL* ssl, void* /*unused*/) {
  const auto* prepared = static_cast<const Prepared*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  const auto answer = prepared->staples->find(prepared->fingerprint);
  if (!answer) return SSL_TLSEXT_ERR_NOACK;
  void* copy = OPENSSL_memdup(answer->data(), answer->size());  // OpenSSL's to free
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<long>(answer->size()));
  return SSL_TLSEXT_ERR_OK;
}

std::expected<ServerContext::Prepared, std::string> ServerContext::prepare(Site site) {
  Prepared out{std::move(site), ContextHandle(SSL_CTX_new(TLS_server_method())), {}, nullptr, nullptr};
  out.fingerprint = out.site.certificate.fingerprint();
  SSL_CTX* context = out.context.get();
  if (context == nullptr) return openssl_failure("TLS context");
  set_common_options(context);
  if (!set_policy(context, out.site.policy)) return openssl_failure("cipher suites");
  if (!set_certificate(context, out.site.certificate.parts())) return openssl_failure("certificate");
  // Whatever older handshakes are allowed, clients' certificates are judged as usual.
  constexpr int usual_level = 2;
  X509_VERIFY_PARAM_set_auth_level(SSL_CTX_get0_param(context), usual_level);
  if (const auto& demands = out.site.client_authentication) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, on_verify);
    SSL_CTX_set_cert_store(context, demands->authorities.make_store(false).release());
    demands->authorities.name_to(context);
    if (demands->check_revocation) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  }
  const std::string identity = session_identity(out.site);
  SSL_CTX_set_session_id_context(context,
                                 static_cast<const unsigned char*>(static_cast<const void*>(identity.data())),
                                 static_cast<unsigned>(identity.size()));
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // tickets only: no memory a session
  SSL_CTX_set_num_tickets(context, (SSL_CTX_get_options(context) & SSL_OP_NO_TICKET) != 0 ? 0 : 1);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
  SSL_CTX_set_tlsext_servername_callback(context, accept_server_name);
  SSL_CTX_set_tlsext_status_cb(context, on_status_request);
  static int yes = 1;
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, out.site.http2 ? &yes : nullptr);
  return out;
}

std::expected<std::shared_ptr<const ServerContext>, std::string> ServerContext::make(
    std::vector<Site> sites, std::shared_ptr<TicketKeys> ticket_keys,
    std::shared_ptr<const Staples> staples) {
  ERR_clear_error();
  std::vector<Prepared> prepared;
  for (Site& site : sites) {
    auto one = prepare(std::move(site));
    if (!one) return std::unexpected(one.error());
    one->ticket_keys = ticket_keys.get();
    one->staples = staples.get();
    prepared.push_back(std::move(*one));
  }
  std::shared_ptr<ServerContext> out(
      new ServerContext(std::move(prepared), std::move(ticket_keys), std::move(staples)));
  // Asked during handshakes only, and who shakes hands holds a reference to this.
  for (Prepared& one : out->sites_) SSL_CTX_set_app_data(one.context.get(), &one);
  SSL_CTX_set_client_hello_cb(out->get(), on_client_hello, out.get());
  return out;
}

const std::optional<ClientAuthentication>& ServerContext::demands_on(const SSL* ssl) const {
  const SSL_CTX* context = SSL_get_SSL_CTX(ssl);
  const auto found =
      std::ranges::find_if(sites_, [&](const Prepared& each) { return each.context.get() == context; });
  return (found == sites_.end() ? sites_.front() : *found).site.client_authentication;
}

}  // namespace passerelle::tls
