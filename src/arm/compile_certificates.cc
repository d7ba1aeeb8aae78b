// sslCertificates[], and the certificates that are trusted.
#include <fmt/format.h>

#include <algorithm>

#include "arm/compile.h"
#include "base/digest.h"

namespace passerelle::arm {
namespace {

std::string without_line_breaks(std::string text) {
  std::erase_if(text, [](char c) { return c == '\r' || c == '\n'; });
  return text;
}

// Without it nothing can be verified: clients must not get in, and members stay down.
void say_missing(const Compilation& c, const Item& item, const PropertyReader& reader,
                 model::TrustedCertificate::Use use) {
  const bool vault = reader.value("keyVaultSecretId") != nullptr || reader.failed("keyVaultSecretId");
  const std::string mapping = fmt::format(
      "give a file in the local file: \"trustedCertificates\": {{ \"{}\": \"ca.pem\" }}", item.name);
  if (use == model::TrustedCertificate::Use::clients)
    return c.problems.error(item.where, "ApplicationGatewayTrustedClientCertificateMustSpecifyData",
                            fmt::format("the certificate '{}' has no \"data\"; {}", item.name, mapping),
                            item.path);
  c.problems.warning(
      item.where,
      vault ? "ApplicationGatewayKeyVaultSecretException"
      : use == model::TrustedCertificate::Use::members
          ? "ApplicationGatewayTrustedRootCertificateMustSpecifyData"
          : "ApplicationGatewayAuthenticationCertificateMustSpecifyData",
      fmt::format("the certificate '{}' {}, so members that are verified by it stay down; {}", item.name,
                  vault ? "is in a Key Vault, which cannot be reached" : "has no \"data\"", mapping),
      item.path);
}

void read_trusted(const Compilation& c, std::string_view collection, model::TrustedCertificate::Use use) {
  for (const Item& item : c.resource.collection(collection)) {
    const PropertyReader reader(item, c.problems);
    model::TrustedCertificate out{item.name, use, {}, {}, c.problems.locate(item.where)};
    if (const auto* local = c.local.trusted_certificates.find(item.name)) {
      // What the local file gives is never evaluated in the template.
      out.path = local->value;
      out.origin = c.problems.locate(local->where);
      c.gateway.trusted_certificates.push_back(std::move(out));
      continue;
    }
    const auto data = reader.string("data");
    if (reader.failed("data")) continue;
    if (!data || data->empty()) {
      say_missing(c, item, reader, use);
      if (use == model::TrustedCertificate::Use::clients) continue;
    } else {
      out.origin = c.problems.locate(reader.where("data"));
      // PEM as it is, or base64 of PEM or DER; control/ says it where it is neither.
      auto bytes = from_base64(without_line_breaks(*data));
      out.data = bytes && data->find("-----BEGIN") == std::string::npos ? std::move(*bytes) : *data;
    }
    c.gateway.trusted_certificates.push_back(std::move(out));
  }
}

}  // namespace

std::vector<std::size_t> trusted_certificates_of(const Compilation& c, const PropertyReader& reader,
                                                 std::string_view property) {
  std::vector<std::size_t> out;
  for (const Item* item : c.resolve_all(reader, property, property)) {
    const auto& all = c.gateway.trusted_certificates;
    const auto use = property == "trustedClientCertificates" ? model::TrustedCertificate::Use::clients
                     : property == "trustedRootCertificates" ? model::TrustedCertificate::Use::members
                                                             : model::TrustedCertificate::Use::member_itself;
    const auto found = std::ranges::find_if(
        all, [&](const auto& each) { return each.use == use && each.name == item->name; });
    if (found != all.end()) out.push_back(static_cast<std::size_t>(found - all.begin()));
  }
  return out;
}

void compile_trusted_certificates(const Compilation& c) {
  using Use = model::TrustedCertificate::Use;
  read_trusted(c, "trustedClientCertificates", Use::clients);
  read_trusted(c, "trustedRootCertificates", Use::members);
  read_trusted(c, "authenticationCertificates", Use::member_itself);
  // The local file's "*" also speaks for settings that name no root of their own.
  if (const auto* any = c.local.trusted_certificates.find("*"); any != nullptr && any->pattern == "*") {
    c.gateway.trusted_everywhere = c.gateway.trusted_certificates.size();
    c.gateway.trusted_certificates.push_back(
        {"*", Use::members, {}, any->value, c.problems.locate(any->where)});
  }
}

void compile_certificates(const Compilation& c) {
  for (const Item& item : c.resource.collection("sslCertificates")) {
    const PropertyReader reader(item, c.problems);
    model::Certificate certificate;
    certificate.name = item.name;
    certificate.origin = certificate.password_origin = c.problems.locate(item.where);
    if (const auto* local = c.local.certificates.find(item.name)) {
      // What the local file gives is never evaluated in the template.
      certificate.origin = certificate.password_origin = c.problems.locate(local->where);
      certificate.password = local->value.password;
      certificate.pfx_path = local->value.pfx;
      certificate.chain_path = local->value.certificate;
      certificate.key_path = local->value.private_key;
      certificate.kind = local->value.self_signed    ? model::Certificate::Kind::self_signed
                         : !local->value.pfx.empty() ? model::Certificate::Kind::pfx
                                                     : model::Certificate::Kind::pem;
      certificate.host_names = {"localhost"};
      c.gateway.certificates.push_back(std::move(certificate));
      continue;
    }
    const std::string mapping = fmt::format(
        "\"sslCertificates\": {{ \"{}\": {{ \"pfx\": \"cert.pfx\", \"password\": \"…\" }} }}", item.name);
    if (reader.failed("data") || reader.failed("password")) continue;
    const auto data = reader.text("data");
    if (!data) {
      if (reader.value("keyVaultSecretId") != nullptr || reader.failed("keyVaultSecretId")) {
        // As in Azure: its listener is disabled, and the others go on.
        c.problems.warning(
            item.where, "ApplicationGatewayKeyVaultSecretException",
            fmt::format("the certificate '{}' is in a Key Vault, which cannot be reached, so the "
                        "listeners that use it are disabled; say in the local file what it is "
                        "here: {} or \"self-signed\"",
                        item.name, mapping),
            item.path);
        certificate.kind = model::Certificate::Kind::missing;
        c.gateway.certificates.push_back(std::move(certificate));
        continue;
      }
      c.problems.error(item.where, "ApplicationGatewaySslCertificateDataMustBeSpecified",
                       fmt::format("the certificate '{}' has no \"data\"; say in the local file what it is "
                                   "here: {} or \"self-signed\"",
                                   item.name, mapping),
                       item.path);
      continue;
    }
    auto pfx = from_base64(without_line_breaks(*data));
    if (!pfx || pfx->empty()) {
      reader.error("data", "ApplicationGatewaySslCertificateInvalidData",
                   fmt::format("the data is not a PFX in base64; replace it, or say in the local file what "
                               "it is here: {} or \"self-signed\"",
                               mapping));
      continue;
    }
    certificate.pfx = std::move(*pfx);
    certificate.password = reader.string("password").value_or("");
    certificate.origin = c.problems.locate(reader.where("data"));
    certificate.password_origin = c.problems.locate(reader.where("password"));
    c.gateway.certificates.push_back(std::move(certificate));
  }
}

}  // namespace passerelle::arm
