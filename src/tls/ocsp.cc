#include "tls/ocsp.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "tls/certificate_parts.h"

namespace passerelle::tls {
namespace {

using RequestHandle = std::unique_ptr<OCSP_REQUEST, FreeWith<OCSP_REQUEST_free>>;
using ResponseHandle = std::unique_ptr<OCSP_RESPONSE, FreeWith<OCSP_RESPONSE_free>>;
using BasicHandle = std::unique_ptr<OCSP_BASICRESP, FreeWith<OCSP_BASICRESP_free>>;
using IdHandle = std::unique_ptr<OCSP_CERTID, FreeWith<OCSP_CERTID_free>>;

// Clocks differ; an answer may be from a moment ahead.
constexpr long skew_seconds = 300;
constexpr long unlimited_seconds_max = 3600;
constexpr std::int64_t year_seconds = std::int64_t{365} * 24 * 3600;

std::string responder_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  std::string out;
  if (sk_OPENSSL_STRING_num(urls) > 0) out = sk_OPENSSL_STRING_value(urls, 0);
  X509_email_free(urls);
  return out;
}

std::int64_t seconds_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  return time != nullptr && ASN1_TIME_to_tm(time, &parts) == 1 ? ::timegm(&parts) : 0;
}

// By the issuer's key, or by one whose certificate the issuer signed for this.
bool is_signed(OCSP_BASICRESP* basic, X509* issuer) {
  const StoreHandle store(X509_STORE_new());
  X509_STORE_add_cert(store.get(), issuer);
  X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store.get()), X509_V_FLAG_PARTIAL_CHAIN);
  STACK_OF(X509)* issuers = sk_X509_new_null();
  sk_X509_push(issuers, issuer);
  const bool out = OCSP_basic_verify(basic, issuers, store.get(), OCSP_TRUSTOTHER) == 1;
  sk_X509_free(issuers);
  return out;
}

}  // namespace

Issued::Issued(X509* certificate, X509* issuer)
    : certificate_(certificate, X509_free), issuer_(issuer, X509_free) {
  X509_up_ref(certificate);
  X509_up_ref(issuer);
}

std::optional<Issued> Issued::of(const Certificate& certificate) {
  const auto& parts = certificate.parts();
  if (parts.chain.empty()) return std::nullopt;
  return Issued(parts.leaf.get(), parts.chain.front().get());
}

std::optional<Issued> Issued::of_client(const SSL* ssl) {
  const STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (chain == nullptr || sk_X509_num(chain) < 2) return std::nullopt;
  return Issued(sk_X509_value(chain, 0), sk_X509_value(chain, 1));
}

std::string Issued::fingerprint() const {
  std::array<char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  X509_digest(certificate_.get(), EVP_sha256(), static_cast<unsigned char*>(static_cast<void*>(out.data())),
              &size);
  return {out.data(), size};
}

std::optional<OcspQuestion> ocsp_question(const Issued& issued) {
  OcspQuestion out{responder_of(issued.certificate()), {}};
  if (out.url.empty()) return std::nullopt;
  const RequestHandle request(OCSP_REQUEST_new());
  OCSP_CERTID* id = OCSP_cert_to_id(nullptr, issued.certificate(), issued.issuer());
  if (id == nullptr) return std::nullopt;
  if (OCSP_request_add0_id(request.get(), id) == nullptr) {  // else it is the request's
    OCSP_CERTID_free(id);
    return std::nullopt;
  }
  const int size = i2d_OCSP_REQUEST(request.get(), nullptr);
  if (size <= 0) return std::nullopt;
  out.request.resize(static_cast<std::size_t>(size));
  auto* at = static_cast<unsigned char*>(static_cast<void*>(out.request.data()));
  i2d_OCSP_REQUEST(request.get(), &at);
  return out;
}

std::expected<OcspAnswer, std::string> read_ocsp_answer(const Issued& issued, std::string_view answer) {
  ERR_clear_error();
  const auto refuse = [](std::string_view why) {
    ERR_clear_error();
    return std::unexpected(std::string(why));
  };
  const auto* at = static_cast<const unsigned char*>(static_cast<const void*>(answer.data()));
  const ResponseHandle response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(answer.size())));
  if (!response) return refuse("the answer is no OCSP response");
  if (const int status = OCSP_response_status(response.get()); status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return refuse(std::string("the responder says ") + OCSP_response_status_str(status));
  const BasicHandle basic(OCSP_response_get1_basic(response.get()));
  if (!basic || !is_signed(basic.get(), issued.issuer()))
    return refuse("the answer is not signed by the issuer");
  const IdHandle id(OCSP_cert_to_id(nullptr, issued.certificate(), issued.issuer()));
  int status = V_OCSP_CERTSTATUS_UNKNOWN;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
  if (OCSP_resp_find_status(basic.get(), id.get(), &status, nullptr, nullptr, &this_update, &next_update) !=
      1)
    return refuse("the answer is for another certificate");
  // What names no end must be young: somebody on the way could show an old one for ever.
  const long age_max = next_update == nullptr ? unlimited_seconds_max : -1;
  if (OCSP_check_validity(this_update, next_update, skew_seconds, age_max) != 1)
    return refuse("the answer is out of date");
  return OcspAnswer{status == V_OCSP_CERTSTATUS_GOOD      ? OcspAnswer::Status::good
                    : status == V_OCSP_CERTSTATUS_REVOKED ? OcspAnswer::Status::revoked
                                                          : OcspAnswer::Status::unknown,
                    std::min(seconds_of(next_update), std::int64_t{std::time(nullptr)} + year_seconds)};
}

}  // namespace passerelle::tls
