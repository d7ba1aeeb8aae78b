#include "tls/context.h"

#include <openssl/err.h>

#include <algorithm>
#include <string_view>

#include "base/host_pattern.h"
#include "tls/certificate_parts.h"

namespace passerelle::tls {
namespace {

std::unexpected<std::string> openssl_failure(std::string_view what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return std::unexpected(std::string(what) + ": " + (reason != nullptr ? reason : "unknown reason"));
}

void set_common_options(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // Idle connections are what a gateway has most of: their record buffers go back between records.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char http11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, http11, sizeof http11, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;  // RFC 7301 section 3.2: no_application_protocol
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::expected<ContextHandle, std::string> make_server_context(const Certificate& certificate) {
  ContextHandle context(SSL_CTX_new(TLS_server_method()));
  if (!context) return openssl_failure("TLS context");
  set_common_options(context.get());
  const auto& parts = certificate.parts();
  if (SSL_CTX_use_certificate(context.get(), parts.leaf.get()) != 1) return openssl_failure("certificate");
  if (SSL_CTX_use_PrivateKey(context.get(), parts.key.get()) != 1) return openssl_failure("private key");
  for (const auto& link : parts.chain) {
    if (SSL_CTX_add1_chain_cert(context.get(), link.get()) != 1) return openssl_failure("chain");
  }
  static constexpr unsigned char session_context[] = "passerelle";
  SSL_CTX_set_session_id_context(context.get(), session_context, sizeof session_context - 1);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets only: no memory a session
  SSL_CTX_set_num_tickets(context.get(), 1);
  SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
  return context;
}

}  // namespace

int ServerContext::choose_site(SSL* ssl, int* /*alert*/, void* self) {
  const auto& sites = static_cast<const ServerContext*>(self)->sites_;
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return SSL_TLSEXT_ERR_OK;
  for (const Site& site : sites) {
    const auto fits = [&](const std::string& pattern) { return host_matches(pattern, name); };
    if (!site.host_names.empty() && std::ranges::none_of(site.host_names, fits)) continue;
    SSL_set_SSL_CTX(ssl, site.context.get());
    break;
  }
  return SSL_TLSEXT_ERR_OK;
}

std::expected<std::shared_ptr<const ServerContext>, std::string> ServerContext::make(
    const std::vector<NamedCertificate>& certificates) {
  ERR_clear_error();
  std::vector<Site> sites;
  for (const NamedCertificate& each : certificates) {
    auto context = make_server_context(each.certificate);
    if (!context) return std::unexpected(context.error());
    sites.push_back({each.host_names, std::move(*context)});
  }
  std::shared_ptr<ServerContext> out(new ServerContext(std::move(sites)));
  // Asked during handshakes only, and who shakes hands holds a reference to this.
  SSL_CTX_set_tlsext_servername_callback(out->get(), &ServerContext::choose_site);
  SSL_CTX_set_tlsext_servername_arg(out->get(), out.get());
  return out;
}

std::expected<std::shared_ptr<const ClientContext>, std::string> ClientContext::make() {
  ERR_clear_error();
  ContextHandle context(SSL_CTX_new(TLS_client_method()));
  if (!context) return openssl_failure("TLS context");
  set_common_options(context.get());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  return std::shared_ptr<const ClientContext>(new ClientContext(std::move(context)));
}

std::expected<std::shared_ptr<const ClientContext>, std::string> ClientContext::make_verifying() {
  auto made = make();
  if (!made) return made;
  if (SSL_CTX_set_default_verify_paths((*made)->get()) != 1)
    return openssl_failure("the system's authorities");
  SSL_CTX_set_verify((*made)->get(), SSL_VERIFY_PEER, nullptr);
  return made;
}

}  // namespace passerelle::tls
