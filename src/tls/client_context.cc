#include "tls/client_context.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "tls/settings.h"

namespace passerelle::tls {
namespace {

// Verdicts of our own among OpenSSL's numbers; theirs end far below.
enum Verdict : int {
  leaf_missing = 10001,
  intermediate_missing,
  not_that_one,
};

bool is_of_the_chain(int error) {
  return error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT ||
         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE ||
         error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN || error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT;
}

// What Azure tells apart and OpenSSL does not.
int finer(int error, int depth, X509_STORE_CTX* state) {
  if (!is_of_the_chain(error)) return error;
  X509* leaf = X509_STORE_CTX_get0_cert(state);
  if (X509_check_ca(leaf) == 1 && error != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT) return leaf_missing;
  const bool no_issuer = error == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                         error == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
  return no_issuer && depth == 0 ? static_cast<int>(intermediate_missing) : error;
}

}  // namespace

// The first thing that is wrong ends the handshake, unless it was asked to be passed over.
int ClientContext::on_verify(int sound, X509_STORE_CTX* state) {
  const auto* ssl =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(state, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto& how =
      static_cast<const ClientContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->verification_;
  if (!how.servers_themselves.empty()) {
    if (how.servers_themselves.holds(X509_STORE_CTX_get0_cert(state))) {
      X509_STORE_CTX_set_error(state, X509_V_OK);
      return 1;
    }
    X509_STORE_CTX_set_error(state, not_that_one);
    return 0;
  }
  if (sound == 1) return 1;
  const int error = X509_STORE_CTX_get_error(state);
  const bool of_name = error == X509_V_ERR_HOSTNAME_MISMATCH || error == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (!of_name && !how.chain_and_expiry) {
    X509_STORE_CTX_set_error(state, X509_V_OK);
    return 1;
  }
  X509_STORE_CTX_set_error(state, finer(error, X509_STORE_CTX_get_error_depth(state), state));
  return 0;
}

bool ClientContext::verifies_name() const {
  return verification_.name && verification_.servers_themselves.empty();
}

std::expected<std::shared_ptr<const ClientContext>, std::string> ClientContext::make(
    Verification verification) {
  ERR_clear_error();
  ContextHandle context(SSL_CTX_new(TLS_client_method()));
  if (!context) return openssl_failure("TLS context");
  set_common_options(context.get());
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  const bool verifies =
      verification.chain_and_expiry || verification.name || !verification.servers_themselves.empty();
  SSL_CTX_set_verify(context.get(), verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE,
                     verifies ? on_verify : nullptr);
  if (verifies) {
    // A leaf is no authority, even where it signs itself (behaviour sheet, section 4).
    SSL_CTX_set_cert_store(
        context.get(),
        verification.authorities.without_leaves().make_store(verification.system_authorities).release());
  }
  std::shared_ptr<ClientContext> out(new ClientContext(std::move(context), std::move(verification)));
  // Asked during handshakes only, and who shakes hands holds a reference to this.
  SSL_CTX_set_app_data(out->get(), out.get());
  return out;
}

const char* verification_failure(const SSL* ssl) {
  switch (SSL_get_verify_result(ssl)) {
    case X509_V_OK: return nullptr;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate is not for the name that was asked for (its SAN or CN does not match)";
    case X509_V_ERR_CERT_HAS_EXPIRED: return "a certificate of the chain has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID: return "a certificate of the chain is not valid yet";
    case leaf_missing: return "the leaf certificate is missing: the first certificate sent is an authority's";
    case intermediate_missing:
      return "an intermediate certificate is missing: what issued the certificate was neither sent nor is it "
             "trusted";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return "the certificate is self-signed and not trusted";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "the chain leads to an unknown root: it is neither among the trusted root certificates nor a "
             "well-known authority";
    case not_that_one: return "the certificate is none of the authentication certificates";
    case X509_V_ERR_CERT_REVOKED: return "the certificate is revoked";
    case X509_V_ERR_INVALID_CA:
    case X509_V_ERR_INVALID_PURPOSE:
      return "a certificate of the chain may not be used so (its basic constraints or key usage)";
    default: {
      const char* text = X509_verify_cert_error_string(SSL_get_verify_result(ssl));
      return text != nullptr ? text : "the certificate cannot be verified";
    }
  }
}

}  // namespace passerelle::tls
