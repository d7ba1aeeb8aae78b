#include "proxy/tls_contexts.h"

#include <fmt/format.h>

#include <algorithm>

namespace passerelle::proxy {
namespace {

int openssl_version(model::TlsVersion version) {
  switch (version) {
    case model::TlsVersion::v1_0: return TLS1_VERSION;
    case model::TlsVersion::v1_1: return TLS1_1_VERSION;
    case model::TlsVersion::v1_2: return TLS1_2_VERSION;
    case model::TlsVersion::v1_3: return TLS1_3_VERSION;
  }
  return TLS1_2_VERSION;
}

tls::Certificate::Outcome read_certificate(const model::Certificate& certificate, const tls::Policy& policy) {
  switch (certificate.kind) {
    case model::Certificate::Kind::pfx:
      return tls::Certificate::from_pfx(certificate.pfx, certificate.password);
    case model::Certificate::Kind::pem: return tls::Certificate::from_pem(certificate.chain, certificate.key);
    case model::Certificate::Kind::self_signed:
    case model::Certificate::Kind::missing: break;
  }
  // With an EC key, unless the policy's suites are all for RSA.
  return tls::Certificate::self_signed(certificate.host_names, !tls::has_suite_for(policy, false));
}

tls::Authorities authorities_of(const model::Gateway& gateway, const std::vector<std::size_t>& indexes) {
  tls::Authorities out;
  for (const std::size_t index : indexes) {
    // Each was read when the configuration was loaded, and said to be wrong where it was.
    if (const auto read = tls::Authorities::read(gateway.trusted_certificates[index].data)) out.add(*read);
  }
  return out;
}

std::optional<tls::ClientAuthentication> demands_of(const model::Gateway& gateway,
                                                    const model::Listener& listener) {
  if (!listener.profile) return std::nullopt;
  const auto& written = gateway.tls_profiles[*listener.profile].client_authentication;
  if (!written) return std::nullopt;
  return tls::ClientAuthentication{written->passthrough, written->verify_issuer, written->check_revocation,
                                   authorities_of(gateway, written->authorities).without_leaves()};
}

const model::TlsPolicy& policy_of(const model::Gateway& gateway, const model::Listener& listener) {
  const auto own = listener.profile ? gateway.tls_profiles[*listener.profile].policy : std::nullopt;
  return gateway.tls_policies[own.value_or(0)];
}

}  // namespace

tls::Policy tls_policy(const model::TlsPolicy& policy) {
  return {openssl_version(policy.lowest), openssl_version(policy.highest), policy.suites, policy.suites_1_3};
}

TlsContexts::Servers TlsContexts::servers(const model::Gateway& gateway, Problems& problems) {
  Servers out;
  std::vector<std::optional<tls::Certificate::Outcome>> read(gateway.certificates.size());
  const auto refuse = [&](const model::Certificate& certificate, std::string why) {
    problems.push_back({certificate.origin,
                        Severity::error,
                        "ApplicationGatewaySslCertificateInvalidData",
                        std::move(why),
                        {}});
  };
  for (const model::Frontend& frontend : gateway.frontends) {
    out.emplace_back();
    if (!frontend.tls) continue;
    std::vector<tls::Site> sites;
    for (const model::Index index : frontend.listeners) {
      const model::Listener& listener = gateway.listeners[index];
      const model::Certificate& written = gateway.certificates[*listener.certificate];
      auto& certificate = read[*listener.certificate];
      if (certificate && !*certificate) continue;  // that was said
      const tls::Policy policy = tls_policy(policy_of(gateway, listener));
      // One that is made here has the kind of key that its listener's policy is for.
      const bool made_for_another = certificate && written.kind == model::Certificate::Kind::self_signed &&
                                    !tls::has_suite_for(policy, (*certificate)->is_rsa());
      if (!certificate || made_for_another) certificate = read_certificate(written, policy);
      if (!*certificate)
        refuse(written, certificate->error().message);
      else
        sites.push_back({listener.host_names, **certificate, policy, demands_of(gateway, listener),
                         gateway.options.http2});
    }
    if (sites.empty()) continue;
    auto context = tls::ServerContext::make(std::move(sites), ticket_keys_, staples_);
    if (context)
      out.back() = std::move(*context);
    else
      refuse(gateway.certificates[*gateway.listeners[frontend.listeners.front()].certificate],
             context.error());
  }
  return out;
}

std::expected<std::shared_ptr<const tls::ClientContext>, std::string> TlsContexts::client(
    const model::Gateway& gateway, const model::MemberVerification& written) {
  tls::Verification verification{written.chain_and_expiry, written.name,
                                 authorities_of(gateway, written.authorities), written.system_authorities,
                                 authorities_of(gateway, written.members_itself)};
  const std::string key =
      fmt::format("{} {} {} {} {}", written.chain_and_expiry, written.name, written.system_authorities,
                  verification.authorities.digest(), verification.servers_themselves.digest());
  std::erase_if(clients_, [](const auto& known) { return known.second.expired(); });
  if (auto known = clients_[key].lock()) return known;
  auto made = tls::ClientContext::make(std::move(verification));
  if (made) clients_[key] = *made;
  return made;
}

TlsContexts::Clients TlsContexts::clients(const model::Gateway& gateway, Problems& problems) {
  Clients out;
  for (const model::BackendGroup& group : gateway.groups) {
    out.emplace_back();
    if (std::ranges::none_of(group.targets, &model::Target::tls)) continue;
    auto context = client(gateway, group.settings.verification);
    if (context)
      out.back() = std::move(*context);
    else
      problems.push_back({{},
                          Severity::error,
                          "TlsUnavailable",
                          fmt::format("the settings '{}': {}", group.settings_name, context.error()),
                          {}});
  }
  return out;
}

std::shared_ptr<const tls::ClientContext> TlsContexts::client_on_demand(const model::Gateway& gateway,
                                                                        model::Index group) {
  model::MemberVerification verification = gateway.groups[group].settings.verification;
  verification.chain_and_expiry = verification.name = true;
  return client(gateway, verification).value_or(nullptr);
}

std::vector<std::string> TlsContexts::authentications(const model::Gateway& gateway) {
  std::vector<std::string> out;
  for (const model::Listener& listener : gateway.listeners) {
    const auto demands = demands_of(gateway, listener);
    out.push_back(demands ? demands->identity() : std::string());
  }
  if (std::ranges::all_of(out, &std::string::empty)) out.clear();
  return out;
}

}  // namespace passerelle::proxy
