// The local file: what the things of a template are on this machine. The contract is
// docs/configuration/local-file.md.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "arm/json_value.h"
#include "arm/problem_list.h"
#include "base/text.h"

namespace passerelle::arm {

// By name: names ignore case and may hold '*'; an exact one wins, then the longest pattern.
template <class T>
class NamedEntries {
 public:
  struct Entry {
    std::string pattern;
    T value;
    Position where;
  };
  void add(std::string pattern, T value, Position where) {
    entries_.push_back({std::move(pattern), std::move(value), where});
  }
  [[nodiscard]] const Entry* find(std::string_view name) const {
    const Entry* best = nullptr;
    for (const Entry& entry : entries_) {
      if (equals_ignoring_case(entry.pattern, name)) return &entry;
      if (glob_matches(entry.pattern, name) &&
          (best == nullptr || entry.pattern.size() > best->pattern.size()))
        best = &entry;
    }
    return best;
  }
  [[nodiscard]] const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

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

// A value. Paths are as written; whoever reads files makes them relative to the local file.
struct LocalFile {
  NamedEntries<std::string> frontend_ips;
  NamedEntries<std::uint16_t> frontend_ports;
  NamedEntries<LocalAddress> backend_addresses;
  NamedEntries<std::vector<LocalAddress>> backend_pools;
  NamedEntries<LocalCertificate> certificates;
  bool ignore_waf = false;
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
