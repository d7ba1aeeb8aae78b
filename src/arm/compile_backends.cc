#include <fmt/format.h>

#include <algorithm>

#include "arm/compile.h"
#include "base/host_pattern.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr std::uint32_t seconds_in_a_day = 86400;

std::optional<bool> is_https(const PropertyReader& reader, std::string_view what) {
  const auto protocol = reader.string("protocol");
  if (protocol && equals_ignoring_case(*protocol, "Http")) return false;
  if (protocol && equals_ignoring_case(*protocol, "Https")) return true;
  if (!reader.failed("protocol"))
    reader.error("protocol", "InvalidRequestFormat",
                 fmt::format("the protocol of {} is \"Http\" or \"Https\"", what));
  return std::nullopt;
}

void read_match(const PropertyReader& reader, model::Probe& probe, ProblemList& problems) {
  const auto match = reader.inner("match");
  if (!match) return;
  const PropertyReader inner(*match, problems);
  if (const JsonValue* codes = inner.value("statusCodes"); codes != nullptr && !codes->items.empty()) {
    probe.statuses.clear();
    for (const JsonValue& code : codes->items) {
      const JsonValue* value = match->evaluator->resolve(code);
      if (value == nullptr) continue;
      if (const auto range = model::parse_status_range(value->text))
        probe.statuses.push_back(*range);
      else
        problems.error(
            value->where, "InvalidRequestFormat",
            fmt::format("'{}' is no status and no range of them; write \"200\" or \"200-399\"", value->text),
            match->path + ".statusCodes");
    }
  }
  if (const auto body = inner.string("body")) {
    constexpr std::size_t body_characters_max = 4090;
    if (body->size() > body_characters_max)
      inner.error("body", "InvalidRequestFormat",
                  "the text to find in a probe's answer has at most 4,090 characters");
    probe.body = *body;
  }
}

model::Probe read_probe(const Compilation& c, const Item& item, const model::BackendSettings& settings) {
  const PropertyReader reader(item, c.problems);
  c.probes_read.insert(&item);
  model::Probe probe;
  probe.name = item.name;
  if (const auto https = is_https(reader, "a probe"); https && *https != settings.https) {
    reader.error("protocol", "ApplicationGatewayProbeProtocolMustMatchBackendHttpSettingsProtocol",
                 fmt::format("the probe '{}' and the backend settings '{}' that use it have different "
                             "protocols; make them the same",
                             item.name, settings.name));
  }
  const bool pick = reader.boolean("pickHostNameFromBackendHttpSettings").value_or(false);
  probe.host = pick ? settings.host_name : reader.string("host").value_or("");
  if (pick && settings.host_name.empty() && !settings.pick_host_from_member) {
    reader.error("pickHostNameFromBackendHttpSettings",
                 "ApplicationGatewayProbePickHostNameFromBackendHttpSettingsWithoutHostName",
                 fmt::format("the backend settings '{}' have neither hostName nor "
                             "pickHostNameFromBackendAddress to pick a host from",
                             settings.name));
  }
  if (!pick && probe.host.empty() && !settings.pick_host_from_member) probe.host = "127.0.0.1";
  probe.path = reader.string("path").value_or("/");
  if (!probe.path.starts_with('/'))
    reader.error("path", "InvalidRequestFormat",
                 fmt::format("a probe's path begins with '/'; write \"/{}\"", probe.path));
  if (probe.path.find_first_of(" \r\n\t#") != std::string::npos)
    reader.error("path", "InvalidRequestFormat", "a probe's path holds a blank or a '#'; percent-encode it");
  probe.port = static_cast<std::uint16_t>(reader.number("port", 1, 65535).value_or(0));
  probe.interval = std::chrono::seconds(reader.number("interval", 1, seconds_in_a_day).value_or(30));
  probe.timeout = std::chrono::seconds(reader.number("timeout", 1, seconds_in_a_day).value_or(30));
  probe.unhealthy_threshold = reader.number("unhealthyThreshold", 1, 20).value_or(3);
  probe.min_servers = reader.number("minServers", 0, 1200).value_or(0);
  if (probe.timeout > probe.interval) {
    reader.warning("timeout", "ProbeTimeoutAboveInterval",
                   fmt::format("the timeout ({} s) is above the interval ({} s): a member that hangs is "
                               "found out only every {} s",
                               probe.timeout.count(), probe.interval.count(), probe.timeout.count()));
  }
  read_match(reader, probe, c.problems);
  return probe;
}

void read_affinity(const PropertyReader& reader, model::BackendSettings& out) {
  const auto affinity = reader.string("cookieBasedAffinity").value_or("Disabled");
  if (!equals_ignoring_case(affinity, "Enabled")) {
    if (!equals_ignoring_case(affinity, "Disabled"))
      reader.error("cookieBasedAffinity", "InvalidRequestFormat",
                   fmt::format("cookieBasedAffinity is \"Enabled\" or \"Disabled\", not '{}'", affinity));
    return;
  }
  out.affinity_cookie = reader.string("affinityCookieName").value_or("");
  if (out.affinity_cookie.empty()) out.affinity_cookie = "ApplicationGatewayAffinity";
  // RFC 6265 section 4.1.1: a cookie's name is a token.
  const auto is_token = [](char c) {
    return c > ' ' && c < 0x7f && std::string_view("()<>@,;:\\\"/[]?={}").find(c) == std::string_view::npos;
  };
  if (!std::ranges::all_of(out.affinity_cookie, is_token))
    reader.error("affinityCookieName", "InvalidRequestFormat",
                 fmt::format("'{}' is no name for a cookie: letters, digits, '-', '_' and '.' are",
                             out.affinity_cookie));
}

void read_path(const PropertyReader& reader, model::BackendSettings& out) {
  out.path = reader.string("path").value_or("");
  if (out.path.empty()) return;
  std::string wrong = model::path_pattern_error(out.path);
  if (wrong.empty() && out.path.ends_with('*')) wrong = "a path to replace another has no '*'";
  if (!wrong.empty())
    reader.error("path", "InvalidRequestFormat", fmt::format("the path '{}': {}", out.path, wrong));
}

// Section 4 of the behaviour sheet.
void read_verification(const Compilation& c, const PropertyReader& reader, model::MemberVerification& out) {
  out.chain_and_expiry = reader.boolean("validateCertChainAndExpiry").value_or(true);
  out.name = reader.boolean("validateSNI").value_or(true);
  out.server_name = reader.string("sniName").value_or("");
  if (!out.server_name.empty() &&
      (IpAddress::parse(out.server_name) || !host_pattern_error(out.server_name).empty() ||
       out.server_name.find_first_of("*?") != std::string::npos))
    reader.error("sniName", "InvalidRequestFormat",
                 fmt::format("'{}' is no host name, and only those are sent as SNI", out.server_name));
  out.authorities = trusted_certificates_of(c, reader, "trustedRootCertificates");
  out.members_itself = trusted_certificates_of(c, reader, "authenticationCertificates");
  out.system_authorities = out.authorities.empty() && out.members_itself.empty();
  if (out.system_authorities && c.gateway.trusted_everywhere)
    out.authorities.push_back(*c.gateway.trusted_everywhere);
}

std::optional<model::BackendSettings> read_settings(const Compilation& c, const Item& item) {
  const PropertyReader reader(item, c.problems);
  model::BackendSettings out;
  out.name = item.name;
  const auto https = is_https(reader, "backend settings");
  const auto port = reader.number("port", 1, 65535);
  if (reader.value("port") == nullptr && !reader.failed("port"))
    reader.error("port", "InvalidRequestFormat", "the backend settings have no port; write \"port\": 80");
  out.https = https.value_or(false);
  out.port = static_cast<std::uint16_t>(port.value_or(80));
  out.request_timeout =
      std::chrono::seconds(reader.number("requestTimeout", 1, seconds_in_a_day).value_or(20));
  out.host_name = reader.string("hostName").value_or("");
  out.pick_host_from_member = reader.boolean("pickHostNameFromBackendAddress").value_or(false);
  if (out.pick_host_from_member && !out.host_name.empty()) {
    reader.error("hostName", "ApplicationGatewayBackendHttpSettingsHostNameAndPickHostName",
                 "hostName and pickHostNameFromBackendAddress exclude each other; remove one");
  }
  out.dedicated_connection = reader.boolean("dedicatedBackendConnection").value_or(false);
  read_path(reader, out);
  read_affinity(reader, out);
  read_verification(c, reader, out.verification);
  if (const auto draining = reader.inner("connectionDraining")) {
    const PropertyReader inner(*draining, c.problems);
    if (inner.boolean("enabled").value_or(false)) {
      out.drain_timeout = std::chrono::seconds(inner.number("drainTimeoutInSec", 1, 3600).value_or(30));
    }
  }
  // Section 10.1 of the behaviour sheet: the default probe asks for / with Host 127.0.0.1, or the setting's
  // own host.
  out.probe.name = "default";
  out.probe.host = !out.host_name.empty() ? out.host_name : out.pick_host_from_member ? "" : "127.0.0.1";
  if (reader.value("probe") != nullptr || reader.failed("probe")) {
    if (const Item* probe = c.resolve(reader, "probe", "probes", true))
      out.probe = read_probe(c, *probe, out);
  }
  return https && port ? std::optional(std::move(out)) : std::nullopt;
}

const std::optional<model::BackendSettings>& settings_of(const Compilation& c, const Item& item) {
  const auto known = c.settings_read.find(&item);
  if (known != c.settings_read.end()) return known->second;
  return c.settings_read.emplace(&item, read_settings(c, item)).first->second;
}

struct Member {
  std::string name;
  Position where;
};

std::vector<Member> read_members(const Compilation& c, const Item& pool) {
  const PropertyReader reader(pool, c.problems);
  std::vector<Member> out;
  const JsonValue* addresses = reader.value("backendAddresses");
  if (addresses == nullptr) return out;
  if (!addresses->is(JsonValue::Kind::array)) {
    reader.error("backendAddresses", "InvalidRequestFormat",
                 fmt::format("a list of addresses was expected, not {}", kind_name(addresses->kind)));
  }
  for (std::size_t i = 0; i < addresses->items.size(); ++i) {
    const JsonValue* address = pool.evaluator->resolve(addresses->items[i]);
    if (address == nullptr) continue;
    const Item item{pool.name, address, pool.evaluator, fmt::format("{}.backendAddresses[{}]", pool.path, i),
                    address->where};
    const PropertyReader inner(item, c.problems);
    auto ip = inner.string("ipAddress");
    auto fqdn = inner.string("fqdn");
    if (inner.failed("ipAddress") || inner.failed("fqdn")) continue;
    if (ip && !ip->empty()) {
      // Azure takes a name here, and its own samples have some.
      if (!IpAddress::parse(*ip))
        inner.warning("ipAddress", "NameInIpAddress",
                      fmt::format("'{}' is not an IP address; it is read as an \"fqdn\"", *ip));
      out.push_back({*ip, inner.where("ipAddress")});
    } else if (fqdn && !fqdn->empty()) {
      out.push_back({*fqdn, inner.where("fqdn")});
    } else {
      c.problems.error(item.where, "InvalidRequestFormat", "a backend address has \"ipAddress\" or \"fqdn\"",
                       item.path);
    }
  }
  return out;
}

model::Target make_target(const std::string& name, const LocalAddress& address,
                          const model::BackendSettings& settings) {
  model::Target target;
  target.name = name;
  target.identity = fmt::format("{}|{}", name, settings.port);
  target.tls = address.tls.value_or(settings.https);
  target.port = address.port.value_or(settings.port);
  if (!address.unix_path.empty())
    target.address = Endpoint{{}, 0, address.unix_path};
  else if (const auto ip = IpAddress::parse(address.host))
    target.address = Endpoint{*ip, target.port, {}};
  else
    target.host = address.host;
  return target;
}

model::Target target_of(const Compilation& c, const Member& member, const model::BackendSettings& settings) {
  const auto* mapped = c.local.backend_addresses.find(fmt::format("{}:{}", member.name, settings.port));
  // "name:port" wins only as itself: a pattern must not beat the exact name without a port.
  if (mapped == nullptr || mapped->pattern.find('*') != std::string::npos) {
    if (const auto* plain = c.local.backend_addresses.find(member.name)) mapped = plain;
  }
  if (mapped != nullptr) {
    model::Target target = make_target(member.name, mapped->value, settings);
    target.replaces_probe_port = mapped->value.port.has_value();
    return target;
  }
  return make_target(member.name, LocalAddress{std::nullopt, member.name, std::nullopt, {}}, settings);
}

}  // namespace

namespace {

void add_targets(const Compilation& c, const GroupSource::Share& share, model::BackendGroup& group) {
  const Item& pool = *share.pool;
  const std::size_t before = group.targets.size();
  if (const auto* replaced = c.local.backend_pools.find(pool.name)) {
    for (const LocalAddress& address : replaced->value) {
      const auto name = !address.unix_path.empty() ? "unix:" + address.unix_path : address.host;
      group.targets.push_back(make_target(name, address, group.settings));
      group.targets.back().identity = fmt::format("{}|{}", name, group.targets.back().port);
    }
  } else {
    for (const Member& member : read_members(c, pool))
      group.targets.push_back(target_of(c, member, group.settings));
    const JsonValue* written = pool.properties->find("backendAddresses");
    const JsonValue* addresses = written != nullptr ? pool.evaluator->try_resolve_all(*written) : nullptr;
    // Members that are there and wrong had their own word.
    const bool none = written == nullptr || (addresses != nullptr && addresses->items.empty());
    if (group.targets.size() == before && none) {
      c.problems.warning_once(
          pool.where, "EmptyBackendPool",
          fmt::format("the pool '{}' has no member, so every request to it ends in 502; NICs and scale sets "
                      "are not seen here: "
                      "write \"backendPools\": {{ \"{}\": [\"127.0.0.1:9001\"] }} in the local file",
                      pool.name, pool.name),
          pool.path);
    }
  }
  for (std::size_t i = before; i < group.targets.size(); ++i) group.targets[i].weight = share.weight;
}

}  // namespace

std::optional<model::Index> compile_group(const Compilation& c, const GroupSource& source,
                                          const Item& settings_item) {
  auto& groups = c.gateway.groups;
  const auto same = std::ranges::find_if(groups, [&](const model::BackendGroup& group) {
    return group.pool == source.name && group.is_policy == source.is_policy &&
           group.settings_name == settings_item.name;
  });
  if (same != groups.end()) return static_cast<model::Index>(same - groups.begin());
  const auto& settings = settings_of(c, settings_item);
  if (!settings) return std::nullopt;
  model::BackendGroup group{source.name, settings_item.name, *settings,
                            {},          source.is_policy,   source.balancing};
  for (const GroupSource::Share& share : source.pools) add_targets(c, share, group);
  groups.push_back(std::move(group));
  return groups.size() - 1;
}

std::optional<GroupSource> read_load_distribution(const Compilation& c, const Item& policy) {
  const PropertyReader reader(policy, c.problems);
  GroupSource out{policy.name, true, {}, {}};
  const auto algorithm = reader.string("loadDistributionAlgorithm").value_or("RoundRobin");
  if (equals_ignoring_case(algorithm, "LeastConnections")) {
    out.balancing = model::Balancing::least_connections;
  } else if (equals_ignoring_case(algorithm, "IpHash")) {
    out.balancing = model::Balancing::ip_hash;
  } else if (!equals_ignoring_case(algorithm, "RoundRobin")) {
    reader.error("loadDistributionAlgorithm", "InvalidRequestFormat",
                 fmt::format("a loadDistributionAlgorithm is \"RoundRobin\", \"LeastConnections\" or "
                             "\"IpHash\", not '{}'",
                             algorithm));
    return std::nullopt;
  }
  bool good = true;
  for (const Item& item : inner_items(policy, "loadDistributionTargets", c.problems)) {
    const PropertyReader inner(item, c.problems);
    const Item* pool = c.resolve(inner, "backendAddressPool", "backendAddressPools", true);
    good = good && pool != nullptr;
    constexpr std::uint32_t weight_max = 100;
    out.pools.push_back({pool, inner.number("weightPerServer", 1, weight_max).value_or(1)});
  }
  if (out.pools.empty() && !reader.failed("loadDistributionTargets")) {
    reader.error(
        "loadDistributionTargets", "InvalidRequestFormat",
        fmt::format("the policy '{}' has no loadDistributionTargets; name a pool, or let the rule have "
                    "a backendAddressPool",
                    policy.name));
    good = false;
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

void check_unused_backends(const Compilation& c) {
  for (const Item& item : c.resource.collection("backendHttpSettingsCollection")) (void)settings_of(c, item);
  for (const Item& item : c.resource.collection("probes")) {
    if (c.probes_read.contains(&item)) continue;
    model::BackendSettings any;
    any.host_name = "any";
    any.https =
        equals_ignoring_case(PropertyReader(item, c.problems).string("protocol").value_or(""), "Https");
    (void)read_probe(c, item, any);
  }
}

}  // namespace passerelle::arm
