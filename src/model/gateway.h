// The gateway as configured: immutable, complete, references resolved to indexes into its own vectors.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/problem.h"
#include "model/keepers.h"
#include "model/path_pattern.h"
#include "model/rewrite.h"
#include "model/route_index.h"
#include "model/tls.h"

namespace passerelle::model {

using Index = std::size_t;

// sslCertificates[]: where the key and chain come from. Values only; tls/ reads them.
struct Certificate {
  enum class Kind : std::uint8_t {
    pfx,
    pem,
    self_signed,
    missing,  // in a Key Vault, and nobody supplied it
  };
  std::string name;
  Kind kind = Kind::pfx;
  std::string pfx;  // the bytes, decoded
  std::string password;
  std::string pfx_path;    // a file of the local file's, read by control/
  std::string chain, key;  // PEM texts
  std::string chain_path;  // their files, read by control/
  std::string key_path;
  std::vector<std::string> host_names;  // what a self-made certificate is for
  // What the REST API shows of it: the certificates as PKCS #7, in base64. Filled in by control/.
  std::string public_part;
  std::int64_t not_after = 0;  // in seconds since 1970: the end of its validity; 0: not read (yet)
  Location origin;             // where a problem with it is reported
  Location password_origin;
};

// customErrorConfigurations[] of the gateway or of a listener: a page in place of the gateway's own.
struct ErrorPage {
  static constexpr std::size_t body_bytes_max = std::size_t{1024} * 1024;  // Azure's
  int status = 502;
  std::string path;  // of the local file: read by control/; or
  std::string url;   // of the template: fetched by control/ once the configuration is in force
  std::shared_ptr<const std::string> body = {};  // null: not there (yet), so the gateway's own
  Location origin = {};
};

// httpListeners[]
struct Listener {
  std::string name;
  Index frontend = 0;
  std::vector<std::string>
      host_names;  // hostName or hostNames[]; empty: a basic listener, which takes every host
  std::optional<Index> certificate;
  std::optional<Index> rule;
  Location origin;
  std::vector<ErrorPage> error_pages = {};  // before the gateway's
  std::optional<Index> profile = {};        // sslProfile
  // Its certificate is in a Key Vault and nobody supplied it: nothing is served, the others are.
  bool disabled = false;
  std::vector<std::string> allowed_origins = {};  // of WebSockets; empty: any
  Keepers keepers = {};                           // of its tunnels
};

// A frontend IP configuration with a frontend port, and the listeners that share it.
struct Frontend {
  std::string name;             // "appGatewayFrontendIP:80"
  std::vector<Endpoint> binds;  // where it really listens
  std::uint16_t port = 0;       // the template's number: what routing and X-Forwarded-Port say
  bool tls = false;
  std::vector<Index>
      listeners;         // in the order they are asked: by the priority of their rules, or as the rules stand
  HostIndex hosts = {};  // over `listeners`
  Location port_origin;  // of the frontend port: where "address in use" is reported
};

// probes[] of a backend setting, or the default probe; every value as it will be used.
// Azure: probe overview; defaults and ranges in section 10 of the behaviour sheet.
struct Probe {
  std::string name;  // "default" for the default probe
  std::string host;  // Host header; empty: the member's own name
  std::string path = "/";
  std::uint16_t port = 0;  // 0: the target's
  std::chrono::seconds interval{30};
  std::chrono::seconds timeout{30};
  unsigned unhealthy_threshold = 3;
  unsigned min_servers = 0;
  struct StatusRange {
    int low = 200;
    int high = 399;
    friend bool operator==(const StatusRange&, const StatusRange&) = default;
  };
  std::vector<StatusRange> statuses{{}};
  std::string body;  // must be found in the answer's body; empty: any

  friend bool operator==(const Probe&, const Probe&) = default;
};

// "200", "200-399"; nothing if it is neither.
[[nodiscard]] std::optional<Probe::StatusRange> parse_status_range(std::string_view text);

// backendHttpSettingsCollection[]
struct BackendSettings {
  std::string name;
  std::uint16_t port = 80;
  bool https = false;
  std::chrono::seconds request_timeout{20};
  std::optional<std::chrono::seconds> drain_timeout;  // connectionDraining, when enabled
  std::string host_name;                              // Host sent to the member; empty: the client's
  bool pick_host_from_member = false;
  std::string path;  // in place of what a path rule's pattern has before its '*'; empty: the client's path
  bool dedicated_connection = false;  // each client connection has one of its own to its member (NTLM)
  std::string affinity_cookie;        // cookieBasedAffinity: the cookie's name; empty: none
  Probe probe;
  MemberVerification verification = {};  // of an Https member's certificate
};

// One member of a pool under one setting: where a connection really goes.
struct Target {
  std::string name;           // as the template has it: "10.0.1.4", "app.contoso.com"
  std::string identity = {};  // for affinity: the same wherever the local file maps the member to
  std::string host;           // to resolve; empty when `address` is known
  std::optional<Endpoint> address;
  std::uint16_t port = 0;  // for a host to resolve
  bool tls = false;
  std::uint32_t weight = 1;  // by a load distribution policy
  bool replaces_probe_port =
      false;  // the local file said where it is: the probe's own port is the template's world
};

// loadDistributionPolicies[], and Azure's way without one.
enum class Balancing : std::uint8_t { round_robin, least_connections, ip_hash };

// A pool, or the pools of a load distribution policy, under a setting, as some rule uses it: the unit of
// balancing and of probing.
struct BackendGroup {
  std::string pool;  // or the policy's name
  std::string settings_name;
  BackendSettings settings;
  std::vector<Target> targets;
  bool is_policy = false;
  Balancing balancing = Balancing::round_robin;
};

// redirectConfigurations[]
struct Redirect {
  std::string name;
  int status = 302;
  std::optional<Index> listener;  // targetListener; or
  std::string url;                // targetUrl
  bool include_path = false;
  bool include_query = false;
};

// Where a rule, a path rule or the rest of a path map leads: exactly one of the two.
struct Destination {
  Index id = 0;  // counts all destinations of the gateway
  std::optional<Index> group = {};
  std::optional<Index> redirect = {};
  std::optional<Index> rewrites = {};  // the rewrite set; not for redirects
};

// urlPathMaps[].pathRules[]
struct PathRule {
  std::string name;
  std::vector<PathPattern> paths;
  Destination to;
};

// requestRoutingRules[], with its path map in place.
struct Rule {
  std::string name;
  Index listener = 0;
  std::optional<unsigned> priority;
  std::string path_map;              // its name; empty for a basic rule
  std::vector<PathRule> path_rules;  // the first that matches decides
  Destination otherwise;             // where everything else goes
  PathIndex paths = {};              // over `path_rules`
};

// What holds for the whole gateway: from the local file, and from globalConfiguration.
struct Options {
  bool http2 = false;           // enableHttp2: on its HTTPS listeners
  bool spool_requests = false;  // globalConfiguration.enableRequestBuffering, where it is written as true
  bool request_timeout_limits_tunnels = false;
  bool unhealthy_drains_tunnels = false;
  bool update_drains_tunnels = false;
  std::optional<std::chrono::seconds> tunnel_idle_timeout;
  bool tunnels_to_fewest = false;  // tunnelBalancing: a tunnel goes to the member that holds the fewest
  std::string affinity_key;        // of the cookies' values
};

// A value until it is published; then only ever `shared_ptr<const Gateway>`.
struct Gateway {
  std::string name;
  std::string resource_id;
  std::vector<Certificate> certificates;
  std::vector<TrustedCertificate> trusted_certificates;
  std::optional<Index> trusted_everywhere;  // the local file's "*": by settings that name no root too
  std::vector<TlsPolicy> tls_policies;      // the gateway's first, then profiles' own
  std::vector<TlsProfile> tls_profiles;
  std::vector<Frontend> frontends;
  std::vector<Listener> listeners;
  std::vector<BackendGroup> groups;
  std::vector<Redirect> redirects;
  std::vector<RewriteSet> rewrite_sets;
  std::vector<ErrorPage> error_pages;
  std::vector<Rule> rules;
  Index destinations = 0;  // how many there are
  // Variables that cost something to have ready.
  bool rewrites_ask_round_trip = false;
  bool rewrites_ask_ciphers = false;
  Options options;
  std::vector<std::string> without_effect;  // sentences for `run` to print
};

// The last step of making one: what routes are found by.
void build_indexes(Gateway& gateway);

}  // namespace passerelle::model
