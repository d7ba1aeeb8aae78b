#include "arm/local_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/language/evaluator.h"
#include "base/endpoint.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::string_view_literals;

class LocalReader {
 public:
  LocalReader(const Environment& environment, ProblemList& problems)
      : environment_(environment), problems_(problems) {}

  LocalFile read(const JsonValue& root) {
    if (!root.is_object()) {
      wrong(root, "the local file is an object: { \"backendAddresses\": { … } }");
      return out_;
    }
    for (const auto& member : root.members) read_member(member);
    return out_;
  }

 private:
  void wrong(const JsonValue& value, std::string message) {
    problems_.error(value.where, "InvalidLocalFile", std::move(message));
  }

  template <class Names>
  void unknown(const JsonMember& member, const Names& names) {
    const auto near = nearest_word(member.key, names);
    problems_.error(
        member.key_where, "UnknownLocalKey",
        near.empty()
            ? fmt::format("the local file knows no \"{}\"; `passerelle init` writes one with all its keys",
                          member.key)
            : fmt::format("the local file knows no \"{}\"; did you mean \"{}\"?", member.key, near));
  }

  void read_member(const JsonMember& member) {
    static constexpr std::array keys = {
        "frontendIPConfigurations"sv, "frontendPorts"sv, "backendAddresses"sv,    "backendPools"sv,
        "sslCertificates"sv,          "references"sv,    "trustedCertificates"sv, "minimumTlsVersion"sv,
        "customErrorPages"sv,         "affinityKey"sv,   "tunnelBalancing"sv,     "waf"sv,
        "tunnelIdleTimeout"sv,        "azureParity"sv,   "httpListeners"sv};
    const auto is = [&](std::string_view key) { return equals_ignoring_case(member.key, key); };
    const JsonValue& value = member.value;
    if (is("frontendIPConfigurations"))
      read_frontend_ips(value);
    else if (is("frontendPorts"))
      read_frontend_ports(value);
    else if (is("backendAddresses"))
      read_backend_addresses(value);
    else if (is("backendPools"))
      read_backend_pools(value);
    else if (is("sslCertificates"))
      read_certificates(value);
    else if (is("references"))
      read_references(value);
    else if (is("waf"))
      read_waf(value);
    else if (is("tunnelIdleTimeout"))
      read_idle_timeout(value);
    else if (is("customErrorPages"))
      read_error_pages(value);
    else if (is("tunnelBalancing"))
      read_tunnel_balancing(value);
    else if (is("trustedCertificates"))
      read_trusted_certificates(value);
    else if (is("minimumTlsVersion"))
      read_minimum_tls_version(value);
    else if (is("affinityKey"))
      read_affinity_key(value);
    else if (is("azureParity"))
      read_parity(value);
    else if (is("httpListeners"))
      read_listeners(value);
    else
      unknown(member, keys);
  }

  // Visits the members of an object, or says what was expected.
  template <class Visit>
  void each(const JsonValue& value, std::string_view expected, Visit visit) {
    if (!value.is_object())
      return wrong(value, fmt::format("{} was expected, not {}", expected, kind_name(value.kind)));
    for (const auto& member : value.members) visit(member);
  }

  void read_frontend_ips(const JsonValue& value) {
    each(value, R"({ "frontend's name": "127.0.0.1" })", [&](const JsonMember& member) {
      if (!member.value.is_string() || !IpAddress::parse(member.value.text))
        return wrong(member.value, "an IP address of this machine was expected, such as \"127.0.0.1\"");
      out_.frontend_ips.add(member.key, member.value.text, member.value.where);
    });
  }

  void read_frontend_ports(const JsonValue& value) {
    each(value, R"({ "80": 8080 })", [&](const JsonMember& member) {
      const auto port = parse_decimal<std::uint16_t>(member.value.text);
      if (!port) return wrong(member.value, "a port number from 0 to 65535 was expected");
      out_.frontend_ports.add(member.key, *port, member.value.where);
    });
  }

  std::optional<LocalAddress> address(const JsonValue& value) {
    auto parsed = value.is_string() ? parse_local_address(value.text) : std::nullopt;
    if (!parsed) wrong(value, "\"[http://|https://]address[:port]\" or \"unix:/path\" was expected");
    return parsed;
  }

  void read_backend_addresses(const JsonValue& value) {
    each(value, R"({ "10.0.1.4": "127.0.0.1:9001" })", [&](const JsonMember& member) {
      if (auto parsed = address(member.value))
        out_.backend_addresses.add(member.key, std::move(*parsed), member.value.where);
    });
  }

  void read_backend_pools(const JsonValue& value) {
    each(value, R"({ "pool's name": ["127.0.0.1:9001"] })", [&](const JsonMember& member) {
      if (!member.value.is(JsonValue::Kind::array))
        return wrong(member.value, "a list of addresses was expected, such as [\"127.0.0.1:9001\"]");
      std::vector<LocalAddress> addresses;
      for (const auto& item : member.value.items) {
        if (auto parsed = address(item)) addresses.push_back(std::move(*parsed));
      }
      out_.backend_pools.add(member.key, std::move(addresses), member.value.where);
    });
  }

  std::string secret(const JsonValue& value) {
    if (value.is_string()) return value.text;
    const JsonValue* name = value.find("env");
    if (name == nullptr || !name->is_string()) {
      wrong(value, "a secret is a string or { \"env\": \"NAME\" }");
      return {};
    }
    auto found = environment_(name->text);
    if (!found)
      problems_.error(name->where, "MissingEnvironmentVariable",
                      fmt::format("the environment variable {} is not set", name->text));
    return found.value_or("");
  }

  void read_certificates(const JsonValue& value) {
    static constexpr std::array keys = {"pfx"sv, "password"sv, "certificate"sv, "privateKey"sv};
    each(
        value, R"({ "certificate's name": { "pfx": "cert.pfx", "password": "…" } })",
        [&](const JsonMember& member) {
          LocalCertificate certificate;
          const JsonValue& given = member.value;
          if (given.is_string() && given.text == "self-signed") {
            certificate.self_signed = true;
          } else if (!given.is_object()) {
            return wrong(
                given,
                R"(a certificate is { "pfx": …, "password": … }, { "certificate": …, "privateKey": … } or "self-signed")");
          }
          for (const auto& part : given.members) {
            if (equals_ignoring_case(part.key, "pfx"))
              certificate.pfx = part.value.text;
            else if (equals_ignoring_case(part.key, "password"))
              certificate.password = secret(part.value);
            else if (equals_ignoring_case(part.key, "certificate"))
              certificate.certificate = part.value.text;
            else if (equals_ignoring_case(part.key, "privateKey"))
              certificate.private_key = part.value.text;
            else
              unknown(part, keys);
          }
          if (!certificate.self_signed && certificate.pfx.empty() &&
              (certificate.certificate.empty() || certificate.private_key.empty())) {
            return wrong(given, R"(a certificate needs "pfx", or "certificate" and "privateKey")");
          }
          out_.certificates.add(member.key, std::move(certificate), given.where);
        });
  }

  // { "env": "NAME" }, at any depth.
  void take_secrets(JsonValue& value) {
    if (const JsonValue* name = value.find("env"); name != nullptr && value.members.size() == 1) {
      value = JsonValue::make_string(secret(value), value.where);
      value.secret = true;
      problems_.hide(value.text);
    }
    for (JsonValue& item : value.items) take_secrets(item);
    for (JsonMember& member : value.members) take_secrets(member.value);
  }

  void read_references(const JsonValue& value) {
    each(value, R"({ "reference('frontend').ipAddress": "127.0.0.1" })", [&](const JsonMember& member) {
      JsonValue answer = member.value;
      take_secrets(answer);
      out_.references.add(compact_call(member.key), std::move(answer), member.value.where);
    });
  }

  void read_waf(const JsonValue& value) {
    if (value.text == "ignore")
      out_.ignore_waf = true;
    else if (value.text != "refuse")
      wrong(value, "\"refuse\" or \"ignore\" was expected");
  }

  void read_error_pages(const JsonValue& value) {
    each(value, R"({ "HttpStatus502": "502.html" })", [&](const JsonMember& member) {
      if (!member.value.is_string() || member.value.text.empty())
        return wrong(member.value, "the path of an HTML file was expected");
      out_.error_pages.add(member.key, member.value.text, member.value.where);
    });
  }

  void read_trusted_certificates(const JsonValue& value) {
    each(value, R"({ "certificate's name": "ca.pem" })", [&](const JsonMember& member) {
      if (!member.value.is_string() || member.value.text.empty())
        return wrong(member.value, "the path of a file with PEM or DER certificates was expected");
      out_.trusted_certificates.add(member.key, member.value.text, member.value.where);
    });
  }

  void read_minimum_tls_version(const JsonValue& value) {
    static constexpr std::array versions = {"1.0"sv, "1.1"sv, "1.2"sv, "1.3"sv};
    const auto found = std::ranges::find(versions, value.text);
    if (found == versions.end()) return wrong(value, "\"1.0\", \"1.1\", \"1.2\" or \"1.3\" was expected");
    out_.minimum_tls_version = static_cast<model::TlsVersion>(found - versions.begin());
  }

  void read_tunnel_balancing(const JsonValue& value) {
    if (equals_ignoring_case(value.text, "fewest"))
      out_.tunnels_to_fewest = true;
    else if (!equals_ignoring_case(value.text, "roundRobin"))
      wrong(value, "\"roundRobin\" or \"fewest\" was expected");
  }

  void read_affinity_key(const JsonValue& value) {
    constexpr std::size_t key_bytes_min = 16;
    out_.affinity_key = secret(value);
    problems_.hide(out_.affinity_key);
    if (!out_.affinity_key.empty() && out_.affinity_key.size() < key_bytes_min)
      wrong(value, "a key of at least 16 characters was expected; `openssl rand -hex 32` makes one");
  }

  void read_idle_timeout(const JsonValue& value) {
    if (value.is(JsonValue::Kind::null)) return;
    const auto seconds = parse_decimal<std::uint32_t>(value.text);
    if (!value.is(JsonValue::Kind::number) || !seconds || *seconds == 0)
      return wrong(value, "seconds from 1, or null for never, were expected");
    out_.tunnel_idle_timeout = std::chrono::seconds(*seconds);
  }

  // A whole number from 1; null: none.
  std::optional<std::uint64_t> positive(const JsonValue& value) {
    if (value.is(JsonValue::Kind::null)) return std::nullopt;
    const auto number = parse_decimal<std::uint64_t>(value.text);
    if (value.is(JsonValue::Kind::number) && number && *number > 0) return number;
    wrong(value, "a whole number from 1, or null for none, was expected");
    return std::nullopt;
  }

  std::optional<std::chrono::seconds> positive_seconds(const JsonValue& value) {
    constexpr std::uint64_t most = 1'000'000'000;
    const auto number = positive(value);
    if (!number) return std::nullopt;
    if (*number <= most) return std::chrono::seconds(*number);
    wrong(value, "seconds up to 1000000000 were expected");
    return std::nullopt;
  }

  std::vector<std::string> origins(const JsonValue& value) {
    std::vector<std::string> out;
    if (!value.is(JsonValue::Kind::array)) {
      wrong(value, "a list of origins was expected, such as [\"https://app.contoso.com\"]");
      return out;
    }
    for (const JsonValue& item : value.items) {
      const auto scheme_end = item.text.find("://");
      const bool sound = item.is_string() &&
                         (item.text == "null" || (scheme_end != std::string::npos && scheme_end > 0 &&
                                                  scheme_end + 3 < item.text.size() &&
                                                  item.text.find('/', scheme_end + 3) == std::string::npos));
      if (sound)
        out.push_back(item.text);
      else
        wrong(item,
              "an origin was expected: scheme://host, scheme://host:port or scheme://*.host, without a path");
    }
    return out;
  }

  void read_listeners(const JsonValue& value) {
    static constexpr std::array keys = {"pingSeconds"sv,       "messageBytesMax"sv, "messagesPerSecondMax"sv,
                                        "bytesPerSecondMax"sv, "allowedOrigins"sv,  "tunnelSecondsMax"sv};
    each(value, R"({ "listener's name": { "pingSeconds": 20 } })", [&](const JsonMember& listener) {
      LocalListener out;
      each(listener.value, R"({ "pingSeconds": 20 })", [&](const JsonMember& member) {
        const auto is = [&](std::string_view key) { return equals_ignoring_case(member.key, key); };
        if (is(keys[0]))
          out.keepers.ping_interval = positive_seconds(member.value);
        else if (is(keys[1]))
          out.keepers.message_bytes_max = positive(member.value);
        else if (is(keys[2]))
          out.keepers.messages_per_second_max = positive(member.value);
        else if (is(keys[3]))
          out.keepers.bytes_per_second_max = positive(member.value);
        else if (is(keys[4]))
          out.allowed_origins = origins(member.value);
        else if (is(keys[5]))
          out.keepers.tunnel_age_max = positive_seconds(member.value);
        else
          unknown(member, keys);
      });
      out_.listeners.add(listener.key, std::move(out), listener.value.where);
    });
  }

  void read_parity(const JsonValue& value) {
    static constexpr std::array keys = {"requestTimeoutLimitsTunnels"sv, "updateDrainsTunnels"sv,
                                        "unhealthyDrainsTunnels"sv};
    if (value.is(JsonValue::Kind::boolean)) {
      out_.request_timeout_limits_tunnels = out_.update_drains_tunnels = out_.unhealthy_drains_tunnels =
          value.boolean;
      return;
    }
    each(value, "true, or { \"requestTimeoutLimitsTunnels\": true }", [&](const JsonMember& member) {
      if (!member.value.is(JsonValue::Kind::boolean))
        return wrong(member.value, "true or false was expected");
      if (equals_ignoring_case(member.key, keys[0]))
        out_.request_timeout_limits_tunnels = member.value.boolean;
      else if (equals_ignoring_case(member.key, keys[1])) {
        out_.update_drains_tunnels = member.value.boolean;
      } else if (equals_ignoring_case(member.key, keys[2]))
        out_.unhealthy_drains_tunnels = member.value.boolean;
      else
        unknown(member, keys);
    });
  }

  const Environment& environment_;
  ProblemList& problems_;
  LocalFile out_;
};

}  // namespace

std::optional<LocalAddress> parse_local_address(std::string_view text) {
  LocalAddress out;
  if (text.starts_with("unix:")) {
    out.unix_path = text.substr(5);
    return out.unix_path.empty() ? std::nullopt : std::optional(out);
  }
  if (starts_with_ignoring_case(text, "http://")) {
    out.tls = false;
    text.remove_prefix(7);
  } else if (starts_with_ignoring_case(text, "https://")) {
    out.tls = true;
    text.remove_prefix(8);
  }
  if (text.ends_with('/')) text.remove_suffix(1);
  if (const auto ip = IpAddress::parse(text)) {
    out.host = text;
    return out;
  }
  if (text.starts_with('[')) {
    const auto endpoint = Endpoint::parse(text, 0);
    if (!endpoint) return std::nullopt;
    out.host = endpoint->ip.to_string();
    if (endpoint->port != 0) out.port = endpoint->port;
    return out;
  }
  const auto [host, port] = split_once(text, ':');
  if (host.empty() || host.find_first_of("/ @?#") != std::string_view::npos) return std::nullopt;
  out.host = host;
  if (host.size() == text.size()) return out;
  out.port = parse_decimal<std::uint16_t>(port);
  return out.port && *out.port != 0 ? std::optional(out) : std::nullopt;
}

LocalFile read_local_file(const JsonValue& root, const Environment& environment, ProblemList& problems) {
  return LocalReader(environment, problems).read(root);
}

}  // namespace passerelle::arm
