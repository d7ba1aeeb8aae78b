#include "tls/certificate.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>

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

std::string text_in(const BioHandle& memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

std::expected<void, CertificateError> check_fits(const Certificate::Parts& parts) {
  if (X509_check_private_key(parts.leaf.get(), parts.key.get()) != 1)
    return refuse("the private key does not fit the certificate");
  return {};
}

std::int64_t mac_iterations(const PKCS12* pfx) {
  const ASN1_INTEGER* written = nullptr;
  PKCS12_get0_mac(nullptr, nullptr, nullptr, &written, pfx);
  std::int64_t out = 1;
  const bool fits = written == nullptr || ASN1_INTEGER_get_int64(&out, written) == 1;
  return fits ? out : std::numeric_limits<std::int64_t>::max();
}

bool is_legacy_encryption(unsigned long error) {
  return ERR_GET_REASON(error) == ERR_R_UNSUPPORTED || ERR_GET_REASON(error) == EVP_R_UNSUPPORTED_ALGORITHM ||
         ERR_GET_LIB(error) == ERR_LIB_EVP;
}

std::int64_t end_of(const X509* certificate) {
  std::tm time{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time) != 1) return 0;
  return ::timegm(&time);
}

std::string name_of(const X509_NAME* name) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

bool has_issued(X509* issuer, const X509* issued) {
  // OpenSSL's functions take what they do not change as if they did.
  auto* subject = const_cast<X509*>(issued);
  return X509_check_issued(issuer, subject) == X509_V_OK &&
         X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
}

bool is_self_issued(const X509* certificate) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), X509_get_issuer_name(certificate)) == 0;
}

// From the leaf upward, whatever the order in the file. Behind a root nothing belongs; what leads nowhere
// stays at the end, for chain_error().
void put_in_order(Certificate::Parts& parts) {
  const X509* issued = parts.leaf.get();
  std::erase_if(parts.chain, [&](const auto& each) { return X509_cmp(each.get(), issued) == 0; });
  for (auto at = parts.chain.begin(); at != parts.chain.end(); ++at) {
    const auto fits = [&](const auto& each) { return has_issued(each.get(), issued); };
    // Of several (a root and its cross-signed twin) the root.
    auto issuer = std::find_if(at, parts.chain.end(),
                               [&](const auto& each) { return is_self_issued(each.get()) && fits(each); });
    if (issuer == parts.chain.end()) issuer = std::find_if(at, parts.chain.end(), fits);
    if (issuer == parts.chain.end()) {
      if (is_self_issued(issued)) parts.chain.erase(at, parts.chain.end());
      return;
    }
    std::iter_swap(at, issuer);
    issued = at->get();
  }
}

// RC2 and its like live in a provider of their own, which is loaded once somebody needs it. Nothing that
// speaks TLS asks for them.
bool load_legacy_provider() {
  static const OSSL_PROVIDER* const provider = OSSL_PROVIDER_try_load(nullptr, "legacy", 1);
  return provider != nullptr;
}

}  // namespace

Certificate::Outcome Certificate::from_pfx(std::string_view bytes, const std::string& password) {
  ERR_clear_error();
  const BioHandle bio = memory_bio(bytes);
  const Pkcs12Handle pfx(d2i_PKCS12_bio(bio.get(), nullptr));
  if (!pfx) return refuse("the data is not a PFX (PKCS#12) file");
  if (mac_iterations(pfx.get()) > Certificate::pfx_iterations_max)
    return refuse(fmt::format("the PFX asks for more than {} rounds to check its password",
                              Certificate::pfx_iterations_max));
  if (PKCS12_mac_present(pfx.get()) != 1)
    return refuse("the PFX has no MAC, so that nobody can tell whether it is whole; write it anew with one");
  const bool mac_fits =
      PKCS12_verify_mac(pfx.get(), password.c_str(), static_cast<int>(password.size())) == 1 ||
      (password.empty() && PKCS12_verify_mac(pfx.get(), nullptr, 0) == 1);
  if (!mac_fits) return refuse("the password does not open the PFX", true);
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  const auto parse = [&] { return PKCS12_parse(pfx.get(), password.c_str(), &key, &leaf, &others) == 1; };
  bool parsed = parse();
  if (!parsed && is_legacy_encryption(ERR_peek_last_error()) && load_legacy_provider()) {
    ERR_clear_error();
    parsed = parse();
  }
  if (!parsed) {
    const auto error = ERR_peek_last_error();
    if (is_legacy_encryption(error)) {
      return refuse(
          "the PFX is encrypted with RC2 or 3DES, for which OpenSSL's legacy provider is not installed; "
          "write it anew: "
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
  put_in_order(*parts);
  if (auto fits = check_fits(*parts); !fits) return std::unexpected(fits.error());
  return Certificate(std::move(parts));
}

Certificate::Outcome Certificate::from_pem(std::string_view chain, std::string_view key) {
  ERR_clear_error();
  auto parts = std::make_shared<Parts>();
  const BioHandle chain_bio = memory_bio(chain);
  while (X509* next = PEM_read_bio_X509(chain_bio.get(), nullptr, no_passphrase, nullptr))
    parts->chain.emplace_back(next);
  const bool to_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!to_the_end) return refuse("the certificate file holds a PEM certificate that cannot be read");
  if (parts->chain.empty())
    return refuse("the certificate file holds no PEM certificate (-----BEGIN CERTIFICATE-----)");
  const BioHandle key_bio = memory_bio(key);
  parts->key.reset(PEM_read_bio_PrivateKey(key_bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!parts->key) return refuse("the key file holds no unencrypted PEM private key");
  // Whichever the key is for.
  const auto leaf = std::ranges::find_if(parts->chain, [&](const auto& each) {
    return X509_check_private_key(each.get(), parts->key.get()) == 1;
  });
  ERR_clear_error();
  if (leaf == parts->chain.end()) return refuse("the private key does not fit the certificate");
  parts->leaf = std::move(*leaf);
  parts->chain.erase(leaf);
  put_in_order(*parts);
  return Certificate(std::move(parts));
}

Certificate::Outcome Certificate::self_signed(std::span<const std::string> host_names, bool rsa) {
  auto parts = std::make_shared<Parts>();
  constexpr unsigned rsa_bits = 2048;
  parts->key.reset(rsa ? EVP_RSA_gen(rsa_bits) : EVP_EC_gen("P-256"));
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
  std::int64_t out = end_of(parts_->leaf.get());
  for (const auto& link : parts_->chain) out = std::min(out, end_of(link.get()));
  return out;
}

std::string Certificate::chain_error() const {
  const X509* issued = parts_->leaf.get();
  for (const auto& link : parts_->chain) {
    if (!has_issued(link.get(), issued))
      return fmt::format(
          "its chain is broken: '{}' was issued by '{}', and no certificate of that name and key came "
          "with it",
          name_of(X509_get_subject_name(issued)), name_of(X509_get_issuer_name(issued)));
    issued = link.get();
  }
  return {};
}

bool Certificate::is_rsa() const {
  return EVP_PKEY_is_a(parts_->key.get(), "RSA") == 1 || EVP_PKEY_is_a(parts_->key.get(), "RSA-PSS") == 1;
}

std::string Certificate::fingerprint() const {
  std::array<char, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  X509_digest(parts_->leaf.get(), EVP_sha256(), static_cast<unsigned char*>(static_cast<void*>(out.data())),
              &size);
  return {out.data(), size};
}

std::string Certificate::public_part() const {
  const std::unique_ptr<PKCS7, FreeWith<PKCS7_free>> bag(PKCS7_new());
  if (!bag || PKCS7_set_type(bag.get(), NID_pkcs7_signed) != 1 ||
      PKCS7_content_new(bag.get(), NID_pkcs7_data) != 1)
    return {};
  PKCS7_add_certificate(bag.get(), parts_->leaf.get());
  for (const auto& certificate : parts_->chain) PKCS7_add_certificate(bag.get(), certificate.get());
  unsigned char* der = nullptr;
  const int size = i2d_PKCS7(bag.get(), &der);
  if (size <= 0) return {};
  std::string out(static_cast<const char*>(static_cast<const void*>(der)), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

std::string Certificate::chain_pem() const {
  const BioHandle out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), parts_->leaf.get());
  for (const auto& certificate : parts_->chain) PEM_write_bio_X509(out.get(), certificate.get());
  return text_in(out);
}

std::string Certificate::key_pem() const {
  const BioHandle out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(out.get(), parts_->key.get(), nullptr, nullptr, 0, no_passphrase, nullptr);
  return text_in(out);
}

bool Certificate::is_for(const std::string& host) const {
  return X509_check_host(parts_->leaf.get(), host.data(), host.size(), 0, nullptr) == 1;
}

}  // namespace passerelle::tls
