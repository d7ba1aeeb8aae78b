#include "control/check_tls.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "arm/tls_policies.h"
#include "tls/authorities.h"
#include "tls/server_context.h"

namespace passerelle::control {
namespace {

constexpr std::int64_t day = 86400;

void add(Problems& problems, Severity severity, const Location& where, std::string code,
         std::string message) {
  problems.push_back({where, severity, std::move(code), std::move(message), {}});
}

// Its file was missing, or its data unreadable: that had its own word.
bool is_empty(const model::Certificate& certificate) {
  return certificate.kind == model::Certificate::Kind::pfx
             ? certificate.pfx.empty()
             : certificate.chain.empty() || certificate.key.empty();
}

struct Expectation {
  std::string_view code;
  std::string_view what;
};

Expectation expectation_of(model::TrustedCertificate::Use use) {
  switch (use) {
    case model::TrustedCertificate::Use::clients:
      return {"ApplicationGatewayTrustedClientCertificate", "trusted client certificate"};
    case model::TrustedCertificate::Use::members:
      return {"ApplicationGatewayTrustedRootCertificate", "trusted root certificate"};
    case model::TrustedCertificate::Use::member_itself: break;
  }
  return {"ApplicationGatewayAuthenticationCertificate", "authentication certificate"};
}

// One root, and whatever leads to it (behaviour sheet, section 3.3).
void check_client_authorities(const model::TrustedCertificate& trusted, const tls::Authorities& read,
                              Problems& problems) {
  constexpr std::size_t azure_bytes_max = 25 * 1024;
  if (trusted.data.size() > azure_bytes_max)
    add(problems, Severity::warning, trusted.origin, "AzureQuota",
        fmt::format("Azure takes at most 25 KB for the trusted client certificate '{}', it has {} bytes",
                    trusted.name, trusted.data.size()));
  if (read.authority_count() == 0)
    return add(
        problems, Severity::error, trusted.origin,
        "ApplicationGatewayTrustedClientCertificateDoesNotContainAnyCACertificate",
        fmt::format("the trusted client certificate '{}' holds no authority's certificate; give the root "
                    "that signs the clients' certificates, with its intermediates",
                    trusted.name));
  if (read.root_count() > 1)
    return add(
        problems, Severity::error, trusted.origin,
        "ApplicationGatewayOnlyOneRootCAAllowedInTrustedClientCertificate",
        fmt::format("the trusted client certificate '{}' holds {} roots; give each a file of its own, and "
                    "name them all in the profile",
                    trusted.name, read.root_count()));
  if (read.root_count() == 0)
    add(problems, Severity::error, trusted.origin,
        "ApplicationGatewayTrustedClientCertificateDoesNotContainAnyCACertificate",
        fmt::format("the trusted client certificate '{}' holds intermediates and no root; add the root to it",
                    trusted.name));
}

}  // namespace

Certificates read_certificates(const std::vector<model::Certificate>& certificates, Problems& problems) {
  Certificates out;
  for (const model::Certificate& certificate : certificates) {
    using Kind = model::Certificate::Kind;
    out.emplace_back();
    const bool from_here = certificate.kind == Kind::self_signed || certificate.kind == Kind::missing;
    if (from_here || is_empty(certificate)) continue;
    const auto read = certificate.kind == Kind::pfx
                          ? tls::Certificate::from_pfx(certificate.pfx, certificate.password)
                          : tls::Certificate::from_pem(certificate.chain, certificate.key);
    if (read) {
      out.back() = *read;
      continue;
    }
    const bool password = read.error().wrong_password;
    add(problems, Severity::error, password ? certificate.password_origin : certificate.origin,
        password ? "ApplicationGatewaySslCertificatePasswordIncorrect"
                 : "ApplicationGatewaySslCertificateInvalidData",
        fmt::format(
            "the certificate '{}' cannot be used: {}{}", certificate.name, read.error().message,
            password ? "; correct it, or give another certificate in the local file under \"sslCertificates\""
                     : ""));
  }
  return out;
}

void check_trusted_certificates(const std::vector<model::TrustedCertificate>& trusted, Problems& problems) {
  for (const model::TrustedCertificate& each : trusted) {
    if (each.data.empty()) continue;  // that was said
    const auto [code, what] = expectation_of(each.use);
    const auto read = tls::Authorities::read(each.data);
    if (!read && read.error() == tls::Authorities::Wrong::private_key) {
      add(problems, Severity::error, each.origin, fmt::format("{}MustNotHavePrivateKey", code),
          fmt::format(
              "the {} '{}' holds a private key; only certificates belong here, and a key that was shown "
              "around should be replaced",
              what, each.name));
    } else if (!read) {
      // Without it no member is verified and none is up: that harms nobody, and sample templates have
      // placeholders here.
      const bool clients = each.use == model::TrustedCertificate::Use::clients;
      add(problems, clients ? Severity::error : Severity::warning, each.origin,
          fmt::format("{}InvalidData", code),
          fmt::format(
              "the {} '{}' is no certificate, neither PEM (-----BEGIN CERTIFICATE-----) nor DER{}; give a "
              "file in the local file: \"trustedCertificates\": {{ \"{}\": \"ca.pem\" }}",
              what, each.name, clients ? "" : ", so members that are verified by it stay down", each.name));
    } else if (each.use == model::TrustedCertificate::Use::clients) {
      check_client_authorities(each, *read, problems);
    } else if (each.use == model::TrustedCertificate::Use::members && read->authority_count() == 0) {
      add(problems, Severity::warning, each.origin, "TrustedRootIsNoAuthority",
          fmt::format("the {} '{}' is a leaf's certificate (its basic constraints say CA:FALSE), and only an "
                      "authority's leads anywhere: members that show it stay down, as in Azure",
                      what, each.name));
    }
  }
}

void check_policies(const model::Gateway& gateway, const Certificates& certificates, Problems& problems) {
  const auto tls_of = [](const model::TlsPolicy& policy) {
    return tls::Policy{TLS1_2_VERSION,
                       policy.highest == model::TlsVersion::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION,
                       policy.suites, policy.suites_1_3};
  };
  for (const model::TlsPolicy& policy : gateway.tls_policies) {
    if (policy.origin.file.empty()) continue;  // nobody wrote it
    auto lacking = tls::suites_lacking(tls_of(policy));
    for (std::string& suite : lacking) {
      const auto all = arm::cipher_suites();
      const auto known = std::ranges::find(all, suite, &arm::CipherSuite::openssl);
      if (known != all.end()) suite = known->name;  // as the template has it
    }
    if (!lacking.empty())
      add(problems, Severity::warning, policy.origin, "TlsSuitesLeftOut",
          fmt::format("the policy {} names suites that this OpenSSL does not have: {}", policy.name,
                      fmt::join(lacking, ", ")));
  }
  for (const model::Listener& listener : gateway.listeners) {
    if (!listener.certificate || listener.disabled) continue;
    const auto own = listener.profile ? gateway.tls_profiles[*listener.profile].policy : std::nullopt;
    const model::TlsPolicy& policy = gateway.tls_policies[own.value_or(0)];
    const model::Certificate& written = gateway.certificates[*listener.certificate];
    const auto& certificate = certificates[*listener.certificate];
    const tls::Policy spoken = tls_of(policy);
    const bool self_made = written.kind == model::Certificate::Kind::self_signed;
    if (!certificate && !self_made) continue;  // that was said
    const bool fits = self_made ? tls::has_suite_for(spoken, true) || tls::has_suite_for(spoken, false)
                                : tls::has_suite_for(spoken, certificate->is_rsa());
    if (fits) continue;
    const bool rsa = self_made || certificate->is_rsa();
    add(problems, Severity::error, policy.origin.file.empty() ? listener.origin : policy.origin,
        "ApplicationGatewaySslPolicyInvalid",
        fmt::format(
            "the policy {} has no suite that can be spoken with the certificate '{}' of the listener '{}'{}; "
            "add one, such as {}",
            policy.name, written.name, listener.name,
            self_made ? "" : fmt::format(", whose key is {}", rsa ? "RSA" : "EC"),
            rsa ? "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" : "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));
  }
}

void lint_certificates(const model::Gateway& gateway, const Certificates& read, std::int64_t now,
                       Problems& problems) {
  constexpr std::int64_t soon = 30 * day;
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (!read[i]) continue;
    const model::Certificate& certificate = gateway.certificates[i];
    if (const std::string why = tls::unusable(*read[i]); !why.empty())
      add(problems, Severity::error, certificate.origin, "ApplicationGatewaySslCertificateInvalidData",
          fmt::format("the certificate '{}' cannot be used: {}", certificate.name, why));
    if (const std::string broken = read[i]->chain_error(); !broken.empty())
      add(problems, Severity::error, certificate.origin, "ApplicationGatewaySslCertificateInvalidChain",
          fmt::format("the certificate '{}' cannot be used: {}", certificate.name, broken));
    if (now == 0) continue;
    const std::int64_t left = read[i]->not_after() - now;
    if (left < 0)
      add(problems, Severity::error, certificate.origin, "ApplicationGatewaySslCertificateExpired",
          fmt::format(
              "the certificate '{}', or one of its chain, expired {} days ago; renew it, or give another "
              "in the local file under \"sslCertificates\"",
              certificate.name, -left / day));
    else if (left < soon)
      add(problems, Severity::warning, certificate.origin, "CertificateExpires",
          fmt::format("the certificate '{}' expires in {} days; renew it", certificate.name, left / day));
  }
  for (const model::Listener& listener : gateway.listeners) {
    if (!listener.certificate || !read[*listener.certificate]) continue;
    for (std::string host : listener.host_names) {
      // Some name that the pattern stands for.
      std::ranges::replace_if(host, [](char c) { return c == '*' || c == '?'; }, 'x');
      if (read[*listener.certificate]->is_for(host)) continue;
      problems.push_back(
          {listener.origin,
           Severity::warning,
           "CertificateDoesNotFitHost",
           fmt::format(
               "the certificate '{}' is not for '{}', which the listener '{}' is for; clients will refuse it",
               gateway.certificates[*listener.certificate].name, host, listener.name),
           {}});
    }
  }
}

}  // namespace passerelle::control
