#include "tls/certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include <ctime>

#include "tls/certificate_parts.h"

namespace passerelle::tls {
namespace {

using Pkcs12Handle = std::unique_ptr<PKCS12, FreeWith<PKCS12_free>>;

std::unexpected<CertificateError> refuse(std::string message, bool wrong_password = false) {
  return std::unexpected(CertificateError{wrong_password, std::move(message)});
}

BioHandle memory_bio(std::string_view bytes) {
  return BioHandle(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

std::expected<void, CertificateError> check_fits(const Certificate::Parts& parts) {
  if (X509_check_private_key(parts.leaf.get(), parts.key.get()) != 1)
    return refuse("the private key does not fit the certificate");
  return {};
}

bool is_legacy_encryption(unsigned long error) {
  return ERR_GET_REASON(error) == ERR_R_UNSUPPORTED || ERR_GET_REASON(error) == EVP_R_UNSUPPORTED_ALGORITHM ||
         ERR_GET_LIB(error) == ERR_LIB_EVP;
}

}  // namespace

Certificate::Outcome Certificate::from_pfx(std::string_view bytes, const std::string& password) {
  ERR_clear_error();
  const BioHandle bio = memory_bio(bytes);
  const Pkcs12Handle pfx(d2i_PKCS12_bio(bio.get(), nullptr));
  if (!pfx) return refuse("the data is not a PFX (PKCS#12) file");
  const bool mac_fits =
      PKCS12_verify_mac(pfx.get(), password.c_str(), static_cast<int>(password.size())) == 1 ||
      (password.empty() && PKCS12_verify_mac(pfx.get(), nullptr, 0) == 1);
  if (!mac_fits) return refuse("the password does not open the PFX", true);
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  if (PKCS12_parse(pfx.get(), password.c_str(), &key, &leaf, &others) != 1) {
    const auto error = ERR_peek_last_error();
    if (is_legacy_encryption(error)) {
      return refuse(
          "the PFX is encrypted with RC2 or 3DES, which OpenSSL no longer reads; write it anew: "
          "openssl pkcs12 -legacy -in OLD.pfx -nodes | openssl pkcs12 -export -out NEW.pfx");
    }
    return refuse(fmt::format("the PFX cannot be read ({})", ERR_reason_error_string(error) != nullptr
                                                                 ? ERR_reason_error_string(error)
                                                                 : "unknown"));
  }
  auto parts = std::make_shared<Parts>();
  parts->key.reset(key);
  parts->leaf.reset(leaf);
  // PKCS12_parse gives the chain in the file's order since OpenSSL 3.0.
  while (others != nullptr && sk_X509_num(others) > 0) parts->chain.emplace_back(sk_X509_shift(others));
  sk_X509_free(others);
  if (!parts->key || !parts->leaf) return refuse("the PFX holds no private key with its certificate");
  if (auto fits = check_fits(*parts); !fits) return std::unexpected(fits.error());
  return Certificate(std::move(parts));
}

Certificate::Outcome Certificate::from_pem(std::string_view chain, std::string_view key) {
  ERR_clear_error();
  auto parts = std::make_shared<Parts>();
  const BioHandle chain_bio = memory_bio(chain);
  while (X509* next = PEM_read_bio_X509(chain_bio.get(), nullptr, nullptr, nullptr)) {
    if (!parts->leaf)
      parts->leaf.reset(next);
    else
      parts->chain.emplace_back(next);
  }
  ERR_clear_error();
  if (!parts->leaf)
    return refuse("the certificate file holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
  const BioHandle key_bio = memory_bio(key);
  parts->key.reset(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!parts->key) return refuse("the key file holds no unencrypted PEM private key");
  if (auto fits = check_fits(*parts); !fits) return std::unexpected(fits.error());
  return Certificate(std::move(parts));
}

Certificate::Outcome Certificate::self_signed(std::span<const std::string> host_names) {
  auto parts = std::make_shared<Parts>();
  parts->key.reset(EVP_EC_gen("P-256"));
  parts->leaf.reset(X509_new());
  X509* leaf = parts->leaf.get();
  if (!parts->key || leaf == nullptr) return refuse("OpenSSL could not make a key");
  constexpr long year_seconds = 365L * 24 * 3600;
  std::uint64_t serial = 0;
  RAND_bytes(static_cast<unsigned char*>(static_cast<void*>(&serial)), sizeof serial);
  X509_set_version(leaf, X509_VERSION_3);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(leaf), serial >> 1U);
  X509_gmtime_adj(X509_getm_notBefore(leaf), -3600);
  X509_gmtime_adj(X509_getm_notAfter(leaf), year_seconds);
  X509_set_pubkey(leaf, parts->key.get());
  const std::string common_name = host_names.empty() ? "localhost" : host_names.front();
  X509_NAME* name = X509_get_subject_name(leaf);
  const auto add_name = [&](const char* field, const std::string& text) {
    X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                               static_cast<const unsigned char*>(static_cast<const void*>(text.c_str())), -1,
                               -1, 0);
  };
  add_name("O", "Passerelle self-signed");
  add_name("CN", common_name);
  X509_set_issuer_name(leaf, name);
  std::string alternatives = "IP:127.0.0.1,IP:::1";
  for (const std::string& host : host_names) alternatives += ",DNS:" + host;
  X509V3_CTX context;
  X509V3_set_ctx(&context, leaf, leaf, nullptr, nullptr, 0);
  const auto extend = [&](int kind, const char* value) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value);
    if (extension == nullptr) return false;
    const bool added = X509_add_ext(leaf, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
  };
  if (!extend(NID_subject_alt_name, alternatives.c_str()) ||
      !extend(NID_basic_constraints, "critical,CA:FALSE") || !extend(NID_ext_key_usage, "serverAuth") ||
      X509_sign(leaf, parts->key.get(), EVP_sha256()) == 0) {
    return refuse("OpenSSL could not make a certificate");
  }
  return Certificate(std::move(parts));
}

std::int64_t Certificate::not_after() const {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(parts_->leaf.get()), &time) != 1) return 0;
  return ::timegm(&time);
}

bool Certificate::is_for(const std::string& host) const {
  return X509_check_host(parts_->leaf.get(), host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace passerelle::tls
