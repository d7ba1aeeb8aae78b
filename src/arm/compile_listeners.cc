#include <fmt/format.h>

#include <algorithm>

#include "arm/compile.h"
#include "base/host_pattern.h"
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

// Two frontends where only one can be: says which, and what to write.
void check_binds(const Compilation& c, const PropertyReader& reader, const model::Frontend& mine,
                 const std::string& ip_name) {
  const auto shares = [](const model::Frontend& one, const Endpoint& bind) {
    const IpAddress every{{}, bind.ip.v6};
    return bind.port != 0 && std::ranges::any_of(one.binds, [&](const Endpoint& other) {
             return other.port == bind.port && other.ip.v6 == bind.ip.v6 &&
                    (other.ip == bind.ip || other.ip == every || bind.ip == every);
           });
  };
  for (const model::Frontend& other : c.gateway.frontends) {
    const auto same =
        std::ranges::find_if(mine.binds, [&](const Endpoint& bind) { return shares(other, bind); });
    if (same == mine.binds.end()) continue;
    const std::string other_ip = other.name.substr(0, other.name.rfind(':'));
    const bool ports = other_ip == ip_name;  // one address, two of its ports: only another number helps
    const auto* ip_entry = c.local.frontend_ips.find(ip_name);
    const auto* port_entry = c.local.frontend_ports.find(std::to_string(mine.port));
    // What there is to mend stands where the local file says it, if it does.
    const Position where = ports && port_entry != nullptr  ? port_entry->where
                           : !ports && ip_entry != nullptr ? ip_entry->where
                                                           : reader.where("frontendPort");
    c.problems.error(
        where, "LocalAddressConflict",
        fmt::format("the frontends {} and {} would both listen on {}; ", other.name, mine.name,
                    same->to_string()) +
            (ports ? fmt::format("give port {} another number in the local file, "
                                 "\"frontendPorts\": {{ \"{}\": {} }}, or with "
                                 "--port {}=…",
                                 mine.port, mine.port, same->port + 1, mine.port)
                   : fmt::format("give each an address of its own in the local file, "
                                 "\"frontendIPConfigurations\": {{ \"{}\": "
                                 "\"127.0.0.1\", \"{}\": \"127.0.0.2\" }}, or with --bind {}=127.0.0.2",
                                 other_ip, ip_name, ip_name)));
    return;
  }
}

// The frontend of these two; made at the first asking.
model::Index frontend_of(const Compilation& c, const PropertyReader& reader, const Item& ip,
                         const FrontendPort& port, bool tls) {
  const std::string name = fmt::format("{}:{}", ip.name, port.number);
  auto& frontends = c.gateway.frontends;
  const auto found = std::ranges::find(frontends, name, &model::Frontend::name);
  if (found != frontends.end()) return static_cast<model::Index>(found - frontends.begin());
  model::Frontend frontend;
  frontend.name = name;
  frontend.port = port.number;
  frontend.tls = tls;
  frontend.port_origin = c.problems.locate(port.where);
  for (const IpAddress& address : frontend_addresses(c, ip.name))
    frontend.binds.push_back({address, port.bound, {}});
  check_binds(c, reader, frontend, ip.name);
  frontends.push_back(std::move(frontend));
  return frontends.size() - 1;
}

// hostName or hostNames; nothing where they are wrong.
std::optional<std::vector<std::string>> host_names_of(const Compilation& c, const PropertyReader& reader) {
  std::vector<std::string> out;
  const auto one = reader.string("hostName");
  if (one && !one->empty()) out.push_back(*one);
  const JsonValue* list = reader.value("hostNames");
  if (list != nullptr && !list->is(JsonValue::Kind::array)) {
    reader.error("hostNames", "InvalidRequestFormat",
                 fmt::format("a list of names was expected, not {}", kind_name(list->kind)));
    return std::nullopt;
  }
  if (list != nullptr && !list->items.empty() && !out.empty()) {
    reader.error("hostNames", "ApplicationGatewayHttpListenerHostNameAndHostNames",
                 "hostName and hostNames exclude each other; remove one");
    return std::nullopt;
  }
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const JsonValue* name = reader.item().evaluator->resolve(list->items[i]);
    if (name == nullptr) continue;
    if (!name->is_string()) {
      c.problems.error(name->where, "InvalidRequestFormat",
                       fmt::format("a host name is a string, not {}", kind_name(name->kind)),
                       reader.item().path + ".hostNames");
      return std::nullopt;
    }
    out.push_back(name->text);
  }
  constexpr std::size_t host_names_max = 5;
  if (out.size() > host_names_max)
    reader.warning("hostNames", "AzureQuota",
                   fmt::format("Azure takes at most {} hostNames, these are {}", host_names_max, out.size()));
  bool good = true;
  const std::string_view property = one && !one->empty() ? "hostName" : "hostNames";
  for (auto name = out.begin(); name != out.end(); ++name) {
    std::string wrong = host_pattern_error(*name);
    if (std::any_of(out.begin(), name,
                    [&](const std::string& other) { return equals_ignoring_case(other, *name); }))
      reader.warning(property, "DuplicateHostName", fmt::format("the host name '{}' is given twice", *name));
    if (wrong.empty() && property == "hostName" && name->find_first_of("*?") != std::string::npos)
      wrong = "wildcards belong in \"hostNames\"";
    if (wrong.empty()) continue;
    reader.error(property, "ApplicationGatewayHttpListenerInvalidHostName",
                 fmt::format("the host name '{}': {}", *name, wrong));
    good = false;
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

// Listeners of one frontend: one protocol, at most one basic one, no host twice.
bool collides(const Compilation& c, const PropertyReader& reader, const model::Listener& mine, bool tls) {
  const model::Frontend& frontend = c.gateway.frontends[mine.frontend];
  for (const model::Listener& other : c.gateway.listeners) {
    if (other.frontend != mine.frontend) continue;
    if (other.host_names.empty() && mine.host_names.empty()) {
      reader.error(
          "frontendPort", "ApplicationGatewayHttpListenersUsingSameFrontendPortAndFrontendIpConfig",
          fmt::format(
              "the basic listeners '{}' and '{}' both take everything on port {} of '{}'; give one another "
              "frontend port, or a hostName",
              other.name, mine.name, frontend.port, frontend.name.substr(0, frontend.name.rfind(':'))));
      return true;
    }
    if (frontend.tls != tls) {
      reader.error(
          "protocol", "ApplicationGatewayHttpListenersUsingSameFrontendPortWithDifferentProtocol",
          fmt::format(
              "the listeners '{}' and '{}' share port {} and have different protocols; give one another "
              "frontend port",
              other.name, mine.name, frontend.port));
      return true;
    }
    for (const std::string& host : mine.host_names) {
      const auto same = [&](const std::string& theirs) { return equals_ignoring_case(theirs, host); };
      if (std::ranges::none_of(other.host_names, same)) continue;
      reader.error(
          reader.value("hostName") != nullptr ? "hostName" : "hostNames",
          "ApplicationGatewayHttpListenersUsingSameFrontendPortAndFrontendIpConfig",
          fmt::format(
              "the listeners '{}' and '{}' are both for '{}' on {}; give one another host name or port",
              other.name, mine.name, host, frontend.name));
      return true;
    }
  }
  return false;
}

std::optional<model::Index> certificate_of(const Compilation& c, const PropertyReader& reader) {
  const Item* item = c.resolve(reader, "sslCertificate", "sslCertificates", true);
  if (item == nullptr) return std::nullopt;
  const auto found = std::ranges::find(c.gateway.certificates, item->name, &model::Certificate::name);
  if (found == c.gateway.certificates.end()) return std::nullopt;
  return static_cast<model::Index>(found - c.gateway.certificates.begin());
}

// sslProfile.
std::optional<model::Index> profile_of(const Compilation& c, const PropertyReader& reader, bool tls) {
  if (reader.value("sslProfile") == nullptr) return std::nullopt;
  const Item* item = c.resolve(reader, "sslProfile", "sslProfiles", false);
  if (item == nullptr) return std::nullopt;
  if (!tls) {
    reader.warning("sslProfile", "WithoutEffect",
                   "a listener whose protocol is \"Http\" has no use for a profile");
    return std::nullopt;
  }
  const auto found = std::ranges::find(c.gateway.tls_profiles, item->name, &model::TlsProfile::name);
  if (found == c.gateway.tls_profiles.end()) return std::nullopt;
  return static_cast<model::Index>(found - c.gateway.tls_profiles.begin());
}

}  // namespace

void compile_listeners(const Compilation& c) {
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
    listener.origin = c.problems.locate(item.where);
    listener.error_pages = read_error_pages(c, item);
    if (tls) listener.certificate = certificate_of(c, reader);
    if (const auto* local = c.local.listeners.find(item.name)) {
      listener.keepers = local->value.keepers;
      listener.allowed_origins = local->value.allowed_origins;
    }
    listener.profile = profile_of(c, reader, tls);
    listener.disabled = listener.certificate && c.gateway.certificates[*listener.certificate].kind ==
                                                    model::Certificate::Kind::missing;
    auto host_names = host_names_of(c, reader);
    if (frontend == nullptr || port_item == nullptr || !host_names || (tls && !listener.certificate))
      continue;
    listener.host_names = std::move(*host_names);
    const auto port = frontend_port(c, *port_item);
    if (!port) continue;
    listener.frontend = frontend_of(c, reader, *frontend, *port, tls);
    if (!collides(c, reader, listener, tls)) c.gateway.listeners.push_back(std::move(listener));
  }
}

}  // namespace passerelle::arm
