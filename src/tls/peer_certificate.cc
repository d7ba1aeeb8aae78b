#include "tls/peer_certificate.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <string_view>

#include "base/text.h"
#include "tls/openssl_handles.h"

namespace passerelle::tls {
namespace {

std::string content(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

BioHandle new_memory() { return BioHandle(BIO_new(BIO_s_mem())); }

// As RFC 3986 section 2.1 has it; only what is unreserved stays as it is.
std::string url_escaped(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::string name_text(const X509_NAME* name) {
  const BioHandle bio = new_memory();
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253);
  return content(bio.get());
}

std::string time_text(const ASN1_TIME* time) {
  const BioHandle bio = new_memory();
  ASN1_TIME_print(bio.get(), time);
  return content(bio.get());
}

std::string serial_text(const X509* certificate) {
  const BioHandle bio = new_memory();
  i2a_ASN1_INTEGER(bio.get(), X509_get0_serialNumber(certificate));
  return content(bio.get());
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (X509_digest(certificate, EVP_sha1(), digest.data(), &size) != 1) return {};
  std::string out;
  append_hex(out, {static_cast<const char*>(static_cast<const void*>(digest.data())), size});
  return out;
}

// A session keeps the verdict of the handshake it began with; time goes on.
long verdict(SSL* ssl, const X509* certificate) {
  const long of_chain = SSL_get_verify_result(ssl);
  if (of_chain != X509_V_OK || SSL_session_reused(ssl) == 0) return of_chain;
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) return X509_V_ERR_CERT_HAS_EXPIRED;
  return of_chain;
}

}  // namespace

ClientCertificate client_certificate(SSL* ssl, bool verified) {
  ClientCertificate out;
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate == nullptr) return out;
  const BioHandle bio = new_memory();
  PEM_write_bio_X509(bio.get(), certificate);
  out.pem = url_escaped(content(bio.get()));
  out.subject = name_text(X509_get_subject_name(certificate));
  out.issuer = name_text(X509_get_issuer_name(certificate));
  out.serial = serial_text(certificate);
  out.fingerprint = fingerprint_of(certificate);
  out.not_before = time_text(X509_get0_notBefore(certificate));
  out.not_after = time_text(X509_get0_notAfter(certificate));
  if (!verified) return out;
  const long wrong = verdict(ssl, certificate);
  if (wrong == X509_V_OK)
    out.verification = "SUCCESS";
  else if (wrong == X509_V_ERR_APPLICATION_VERIFICATION)
    out.verification = "FAILED:its issuer is not among the trusted client certificates";
  else
    out.verification = std::string("FAILED:") + X509_verify_cert_error_string(wrong);
  return out;
}

}  // namespace passerelle::tls
