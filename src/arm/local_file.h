// The local file: what the things of a template are on this machine. The contract is
// docs/configuration/local-file.md.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arm/named_entries.h"
#include "arm/problem_list.h"
#include "model/keepers.h"
#include "model/tls.h"

namespace passerelle::arm {

// "[http://|https://]address[:port]" or "unix:path".
struct LocalAddress {
  std::optional<bool> tls;
  std::string host;  // an IP address or a name to resolve
  std::optional<std::uint16_t> port;
  std::string unix_path;
};
[[nodiscard]] std::optional<LocalAddress> parse_local_address(std::string_view text);

struct LocalCertificate {
  bool self_signed = false;
  std::string pfx, password, certificate, private_key;
};

// What tunnels of a listener are kept by.
struct LocalListener {
  model::Keepers keepers;
  std::vector<std::string> allowed_origins;
};

// A value. Paths are as written; whoever reads files makes them relative to the local file.
struct LocalFile {
  NamedEntries<std::string> frontend_ips;
  NamedEntries<std::uint16_t> frontend_ports;
  NamedEntries<LocalAddress> backend_addresses;
  NamedEntries<std::vector<LocalAddress>> backend_pools;
  NamedEntries<LocalCertificate> certificates;
  NamedEntries<LocalListener> listeners;
  NamedEntries<std::string> error_pages;  // customErrorPages: files, by "HttpStatus502"
  // What reference(), list*() and Key Vault secrets yield. Patterns are without blanks: see compact_call().
  NamedEntries<JsonValue> references;
  NamedEntries<std::string> trusted_certificates;  // files, by name
  model::TlsVersion minimum_tls_version = model::TlsVersion::v1_2;
  bool ignore_waf = false;
  bool tunnels_to_fewest = false;  // tunnelBalancing
  std::string affinity_key;
  std::optional<std::chrono::seconds> tunnel_idle_timeout;
  bool request_timeout_limits_tunnels = false;
  bool update_drains_tunnels = false;
  bool unhealthy_drains_tunnels = false;
};

// Looks a secret's {"env": "NAME"} up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

[[nodiscard]] LocalFile read_local_file(const JsonValue& root, const Environment& environment,
                                        ProblemList& problems);

}  // namespace passerelle::arm
