#include <fmt/format.h>

#include <algorithm>

#include "arm/compile.h"
#include "base/digest.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr std::uint32_t port_max = 65535;

struct FrontendPort {
  std::uint16_t number = 0;  // the template's
  std::uint16_t bound = 0;   // here
  Position where;
};

std::optional<FrontendPort> frontend_port(const Compilation& c, const Item& item) {
  const PropertyReader reader(item, c.problems);
  if (reader.value("port") == nullptr) {
    if (!reader.failed("port"))
      reader.error("port", "InvalidRequestFormat", "the frontend port has no number; write \"port\": 80");
    return std::nullopt;
  }
  const auto number = reader.number("port", 1, port_max);
  if (!number) return std::nullopt;
  FrontendPort out{static_cast<std::uint16_t>(*number), static_cast<std::uint16_t>(*number),
                   reader.where("port")};
  // By name wins over by number, as the more exact.
  const auto* mapped = c.local.frontend_ports.find(item.name);
  if (mapped == nullptr) mapped = c.local.frontend_ports.find(std::to_string(*number));
  if (mapped != nullptr) out.bound = mapped->value;
  return out;
}

// Where a frontend's listeners really listen; every address unless the local file says which.
std::vector<IpAddress> frontend_addresses(const Compilation& c, const std::string& frontend) {
  if (const auto* local = c.local.frontend_ips.find(frontend)) return {*IpAddress::parse(local->value)};
  return {*IpAddress::parse("0.0.0.0"), *IpAddress::parse("::")};
}

struct Seen {
  std::string listener, frontend;
  std::uint16_t port = 0;
  std::vector<Endpoint> binds;
  bool mapped = false;
};

// Two listeners where only one can be: says which, and what to write.
bool collides(const Compilation& c, const PropertyReader& reader, const Seen& mine,
              const std::vector<Seen>& earlier) {
  for (const Seen& other : earlier) {
    if (other.port == mine.port && other.frontend == mine.frontend) {
      reader.error("frontendPort", "ApplicationGatewayHttpListenersUsingSameFrontendPortAndFrontendIpConfig",
                   fmt::format("the basic listeners '{}' and '{}' both take everything on port {} of '{}'; "
                               "give one another frontend port",
                               other.listener, mine.listener, mine.port, mine.frontend));
      return true;
    }
    for (const Endpoint& bind : mine.binds) {
      const bool same =
          bind.port != 0 && std::ranges::any_of(other.binds, [&](const Endpoint& theirs) {
            return theirs.port == bind.port && (theirs.ip == bind.ip || !mine.mapped || !other.mapped);
          });
      if (!same) continue;
      reader.error(
          "frontendPort", "LocalAddressConflict",
          fmt::format(
              "the listeners '{}' and '{}' would both listen on {}; give each frontend an address of its own "
              "(--bind {}=127.0.0.2) or the ports other numbers (--port {}=…)",
              other.listener, mine.listener, bind.to_string(), mine.frontend, mine.port));
      return true;
    }
  }
  (void)c;
  return false;
}

std::optional<model::Index> certificate_of(const Compilation& c, const PropertyReader& reader) {
  const Item* item = c.resolve(reader, "sslCertificate", "sslCertificates", true);
  if (item == nullptr) return std::nullopt;
  const auto found = std::ranges::find(c.gateway.certificates, item->name, &model::Certificate::name);
  if (found == c.gateway.certificates.end()) return std::nullopt;
  return static_cast<model::Index>(found - c.gateway.certificates.begin());
}

}  // namespace

void compile_listeners(const Compilation& c) {
  std::vector<Seen> seen;
  for (const Item& item : c.resource.collection("httpListeners")) {
    const PropertyReader reader(item, c.problems);
    const Item* frontend = c.resolve(reader, "frontendIPConfiguration", "frontendIPConfigurations", true);
    const Item* port_item = c.resolve(reader, "frontendPort", "frontendPorts", true);
    const auto protocol = reader.string("protocol");
    const bool tls = protocol && equals_ignoring_case(*protocol, "Https");
    if (!protocol || (!tls && !equals_ignoring_case(*protocol, "Http"))) {
      if (!reader.failed("protocol"))
        reader.error("protocol", "InvalidRequestFormat", "a listener's protocol is \"Http\" or \"Https\"");
      continue;
    }
    model::Listener listener;
    listener.name = item.name;
    listener.tls = tls;
    listener.origin = c.problems.locate(item.where);
    if (tls) listener.certificate = certificate_of(c, reader);
    if (frontend == nullptr || port_item == nullptr || (tls && !listener.certificate)) continue;
    const auto port = frontend_port(c, *port_item);
    if (!port) continue;
    listener.port = port->number;
    listener.port_origin = c.problems.locate(port->where);
    for (const IpAddress& ip : frontend_addresses(c, frontend->name))
      listener.binds.push_back({ip, port->bound, {}});
    Seen mine{item.name, frontend->name, port->number, listener.binds,
              c.local.frontend_ips.find(frontend->name) != nullptr};
    if (collides(c, reader, mine, seen)) continue;
    seen.push_back(std::move(mine));
    c.gateway.listeners.push_back(std::move(listener));
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
    const auto data = reader.string("data");
    if (!data) {
      const bool vault = reader.value("keyVaultSecretId") != nullptr || reader.failed("keyVaultSecretId");
      c.problems.error(
          item.where,
          vault ? "ApplicationGatewayKeyVaultSecretException"
                : "ApplicationGatewaySslCertificateDataMustBeSpecified",
          fmt::format("the certificate '{}' {}; say in the local file what it is here: {} or \"self-signed\"",
                      item.name, vault ? "is in a Key Vault, which cannot be reached" : "has no \"data\"",
                      mapping),
          item.path);
      continue;
    }
    auto pfx = from_base64(*data);
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
