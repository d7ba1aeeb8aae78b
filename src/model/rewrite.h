// rewriteRuleSets[]: what is changed of requests and responses, and when.
// Source: Azure, rewrite HTTP headers and URL; behaviour sheet, section 7; docs/decisions/0012.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"

namespace passerelle::model {

enum class ServerVariable : std::uint8_t {
  add_x_forwarded_for_proxy,
  ciphers_supported,
  ciphers_used,
  client_certificate,
  client_certificate_end_date,
  client_certificate_fingerprint,
  client_certificate_issuer,
  client_certificate_serial,
  client_certificate_start_date,
  client_certificate_subject,
  client_certificate_verification,
  client_ip,
  client_port,
  client_tcp_rtt,
  client_user,
  host,
  http_method,
  http_status,
  http_version,
  query_string,
  received_bytes,
  request_query,
  request_scheme,
  request_uri,
  sent_bytes,
  server_port,
  ssl_connection_protocol,
  ssl_enabled,
  uri_path,
};

// "http_req_NAME", "http_resp_NAME", "var_cookie_NAME", "var_NAME".
struct RewriteVariable {
  enum class Source : std::uint8_t { request_field, response_field, cookie, server };
  Source source = Source::server;
  ServerVariable server = ServerVariable::host;
  std::string name;  // of the field or the cookie

  friend bool operator==(const RewriteVariable&, const RewriteVariable&) = default;
};

// Nothing: there is no such variable.
[[nodiscard]] std::optional<RewriteVariable> parse_rewrite_variable(std::string_view text);
[[nodiscard]] std::string to_string(const RewriteVariable& variable);
// The names of the server variables, for suggestions.
[[nodiscard]] std::vector<std::string_view> server_variable_names();

struct RewriteCondition {
  RewriteVariable variable;
  Pattern pattern;
  bool negate = false;
  std::size_t captures_at = 0;    // of the rule's captures: where this condition's whole match is
  std::uint32_t groups_used = 0;  // a bit for each group that a value refers to
  bool on_response = false;       // it can only be told once there is a response
};

// Text with variables and captures in it.
struct RewriteValue {
  struct Piece {
    std::string literal;
    std::optional<RewriteVariable> variable;
    std::optional<std::size_t> capture;  // index into the rule's captures
  };
  std::vector<Piece> pieces;

  // What it always is; nothing if that depends.
  [[nodiscard]] std::optional<std::string> constant() const;
};

struct HeaderRewrite {
  std::string name;
  RewriteValue value;  // what comes out empty removes the field
  struct Matcher {
    Pattern pattern;
    bool negate = false;
  };
  std::optional<Matcher> matcher;  // headerValueMatcher: only fields whose value fits are touched
};

struct RewriteRule {
  std::string name;
  std::uint32_t sequence = 0;
  std::vector<RewriteCondition> conditions;  // all must hold
  std::vector<HeaderRewrite> request_fields;
  std::vector<HeaderRewrite> response_fields;
  std::optional<RewriteValue> path;
  std::optional<RewriteValue> query;
  bool reroute = false;
  bool waits_for_response = false;  // one of its conditions does
  std::size_t captures = 0;
};

struct RewriteSet {
  std::string name;
  std::vector<RewriteRule> rules;  // by sequence
};

}  // namespace passerelle::model
