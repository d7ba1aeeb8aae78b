#include "tls/authorities.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

namespace passerelle::tls {
namespace {

std::shared_ptr<X509> shared(X509* certificate) { return {certificate, X509_free}; }

bool is_self_issued(X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

bool may_sign(X509* certificate) { return X509_check_ca(certificate) != 0; }

}  // namespace

std::expected<Authorities, Authorities::Wrong> Authorities::read(std::string_view bytes) {
  if (bytes.find("PRIVATE KEY-----") != std::string_view::npos) return std::unexpected(Wrong::private_key);
  ERR_clear_error();
  Authorities out;
  const BioHandle bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (bytes.find("-----BEGIN") != std::string_view::npos) {
    while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr))
      out.certificates_.push_back(shared(next));
    const bool to_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!to_the_end) return std::unexpected(Wrong::no_certificate);
  } else if (X509* only = d2i_X509_bio(bio.get(), nullptr)) {
    out.certificates_.push_back(shared(only));
  }
  ERR_clear_error();
  if (out.empty()) return std::unexpected(Wrong::no_certificate);
  return out;
}

std::size_t Authorities::authority_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(certificates_, [](const auto& each) { return may_sign(each.get()); }));
}

std::size_t Authorities::root_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      certificates_, [](const auto& each) { return may_sign(each.get()) && is_self_issued(each.get()); }));
}

Authorities Authorities::without_leaves() const {
  Authorities out;
  std::ranges::copy_if(certificates_, std::back_inserter(out.certificates_),
                       [](const auto& each) { return may_sign(each.get()); });
  return out;
}

void Authorities::add(const Authorities& others) {
  certificates_.insert(certificates_.end(), others.certificates_.begin(), others.certificates_.end());
}

bool Authorities::holds(const X509* certificate) const {
  return std::ranges::any_of(certificates_,
                             [&](const auto& each) { return X509_cmp(each.get(), certificate) == 0; });
}

StoreHandle Authorities::make_store(bool system_too) const {
  StoreHandle store(X509_STORE_new());
  for (const auto& each : certificates_) X509_STORE_add_cert(store.get(), each.get());
  if (system_too) X509_STORE_set_default_paths(store.get());
  ERR_clear_error();
  return store;
}

void Authorities::name_to(SSL_CTX* context) const {
  for (const auto& each : certificates_) SSL_CTX_add_client_CA(context, each.get());
}

std::string Authorities::digest() const {
  const std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr);
  for (const auto& each : certificates_) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> one{};
    unsigned size = 0;
    if (X509_digest(each.get(), EVP_sha256(), one.data(), &size) == 1)
      EVP_DigestUpdate(context.get(), one.data(), size);
  }
  std::array<char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  EVP_DigestFinal_ex(context.get(), static_cast<unsigned char*>(static_cast<void*>(out.data())), &size);
  return {out.data(), size};
}

}  // namespace passerelle::tls
