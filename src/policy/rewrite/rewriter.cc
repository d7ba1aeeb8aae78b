#include "policy/rewrite/rewriter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/digest.h"
#include "base/text.h"
#include "protocol/cookies.h"

namespace passerelle::policy {
namespace {

using model::RewriteVariable;
using model::ServerVariable;

// No value may end a field and begin another, wherever it came from.
void remove_controls(std::string& text) {
  std::erase_if(text,
                [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

// What may not stand in a request line as it is (RFC 3986 section 3.3 and 3.4).
bool must_be_encoded(char c, bool in_path) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte <= 0x20 || byte >= 0x7f) return true;
  return std::string_view("\"#<>\\^`{|}").find(c) != std::string_view::npos || (in_path && c == '?');
}

void append_encoded(std::string& out, std::string_view text, bool in_path) {
  for (const char c : text) {
    if (must_be_encoded(c, in_path))
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    else
      out += c;
  }
}

// RFC 7617: the user of "Basic dXNlcjpwYXNz".
std::string basic_user(const MessageHead& request) {
  const auto authorization = request.find("Authorization");
  if (!authorization) return {};
  const auto [scheme, credentials] = split_once(*authorization, ' ');
  if (!equals_ignoring_case(scheme, "Basic")) return {};
  const auto decoded = from_base64(trimmed(credentials));
  return decoded ? std::string(split_once(*decoded, ':').first) : std::string();
}

template <class Number>
void append_number(std::string& out, Number number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

}  // namespace

void Rewriter::clear() {
  ran_.clear();
  captures_used_ = 0;
  path_.clear();
  query_.clear();
  url_changed_ = host_changed_ = false;
  culprit_ = nullptr;
}

std::size_t Rewriter::reserve_captures(const model::RewriteRule& rule) {
  const std::size_t at = captures_used_;
  captures_used_ += rule.captures;
  if (captures_.size() < captures_used_) captures_.resize(captures_used_);
  for (std::size_t i = at; i < captures_used_; ++i) captures_[i].clear();
  return at;
}

Rewriter::Outcome Rewriter::rewrite_request(const model::RewriteSet& set, const RewriteFacts& facts,
                                            MessageHead& request) {
  Outcome outcome = Outcome::done;
  for (const model::RewriteRule& rule : set.rules) {
    const Seen seen{facts, request, nullptr};
    const std::size_t at = reserve_captures(rule);
    const bool held = !rule.waits_for_response && holds(rule, seen, at);
    ran_.push_back({&rule, held, at});
    if (!held) continue;
    culprit_ = &rule;
    if (!rewrite_fields(rule.request_fields, rule, seen, at, request)) return Outcome::too_long;
    if (!rewrite_url(rule, seen, at)) return Outcome::too_long;
    if (rule.reroute) outcome = Outcome::reroute;
  }
  return outcome;
}

Rewriter::Outcome Rewriter::rewrite_response(const RewriteFacts& facts, const MessageHead& request,
                                             MessageHead& response) {
  for (const Ran& ran : ran_) {
    if (ran.rule->response_fields.empty()) continue;
    const Seen seen{facts, request, &response};
    const bool held = ran.rule->waits_for_response ? holds(*ran.rule, seen, ran.captures_at) : ran.held;
    if (!held) continue;
    culprit_ = ran.rule;
    if (!rewrite_fields(ran.rule->response_fields, *ran.rule, seen, ran.captures_at, response))
      return Outcome::too_long;
  }
  return Outcome::done;
}

bool Rewriter::holds(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at) {
  return std::ranges::all_of(rule.conditions, [&](const model::RewriteCondition& condition) {
    return condition_holds(condition, seen, captures_at) != condition.negate;
  });
}

// A field may occur several times: the first value that fits counts.
bool Rewriter::condition_holds(const model::RewriteCondition& condition, const Seen& seen,
                               std::size_t captures_at) {
  const RewriteVariable& variable = condition.variable;
  const MessageHead* head = variable.source == RewriteVariable::Source::request_field    ? &seen.request
                            : variable.source == RewriteVariable::Source::response_field ? seen.response
                                                                                         : nullptr;
  if (head != nullptr && head->find(variable.name)) {
    return std::ranges::any_of(head->fields, [&](const MessageHead::Field& field) {
      return equals_ignoring_case(head->name(field), variable.name) &&
             try_pattern(condition, head->value(field), captures_at);
    });
  }
  scratch_.clear();
  append_variable(scratch_, variable, seen);
  return try_pattern(condition, scratch_, captures_at);
}

bool Rewriter::try_pattern(const model::RewriteCondition& condition, std::string_view text,
                           std::size_t captures_at) {
  std::array<std::string_view, Pattern::groups_max + 1> groups;
  const std::span wanted(groups.data(), condition.pattern.groups() + 1);
  if (!condition.pattern.matches(text, wanted)) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    captures_[captures_at + condition.captures_at + i].assign(wanted[i]);
  return true;
}

void Rewriter::append_variable(std::string& out, const RewriteVariable& variable, const Seen& seen) const {
  switch (variable.source) {
    case RewriteVariable::Source::request_field: out += seen.request.find(variable.name).value_or(""); return;
    case RewriteVariable::Source::response_field:
      if (seen.response != nullptr) out += seen.response->find(variable.name).value_or("");
      return;
    case RewriteVariable::Source::cookie:
      out += find_cookie(*seen.facts.request, variable.name).value_or("");
      return;
    case RewriteVariable::Source::server: append_server(out, variable.server, seen); return;
  }
}

void Rewriter::append_server(std::string& out, ServerVariable variable, const Seen& seen) const {
  const RewriteFacts& facts = seen.facts;
  switch (variable) {
    case ServerVariable::add_x_forwarded_for_proxy:
      for (const auto& field : facts.request->fields) {
        if (field.id != FieldId::x_forwarded_for || facts.request->value(field).empty()) continue;
        out += facts.request->value(field);
        out += ", ";
      }
      out += facts.client->ip;
      return;
    case ServerVariable::ciphers_supported: out += facts.client->tls_ciphers_offered; return;
    case ServerVariable::ciphers_used: out += facts.client->tls_cipher; return;
    case ServerVariable::client_ip: out += facts.client->ip; return;
    case ServerVariable::client_port: append_number(out, facts.client->port); return;
    case ServerVariable::client_tcp_rtt: append_number(out, facts.client->round_trip_microseconds); return;
    case ServerVariable::client_user: out += basic_user(*facts.request); return;
    case ServerVariable::host: out += facts.target->host; return;
    case ServerVariable::http_method: out += facts.request->method(); return;
    case ServerVariable::http_status:
      if (seen.response != nullptr) append_number(out, seen.response->status);
      return;
    case ServerVariable::http_version:
      out += facts.request->minor_version == 1 ? "HTTP/1.1" : "HTTP/1.0";
      return;
    case ServerVariable::query_string: out += query_; return;
    case ServerVariable::received_bytes: append_number(out, facts.received_bytes); return;
    case ServerVariable::request_query: out += facts.target->query; return;
    case ServerVariable::request_scheme: out += facts.client->tls ? "https" : "http"; return;
    case ServerVariable::request_uri: out += facts.target->origin; return;
    case ServerVariable::sent_bytes: append_number(out, facts.sent_bytes); return;
    case ServerVariable::server_port: append_number(out, facts.listener_port); return;
    case ServerVariable::ssl_connection_protocol: out += facts.client->tls_protocol; return;
    case ServerVariable::ssl_enabled:
      if (facts.client->tls) out += "On";
      return;
    case ServerVariable::uri_path: out += path_; return;
    case ServerVariable::client_certificate_verification: out += "NONE"; return;
    // No client is asked for a certificate yet.
    case ServerVariable::client_certificate:
    case ServerVariable::client_certificate_end_date:
    case ServerVariable::client_certificate_fingerprint:
    case ServerVariable::client_certificate_issuer:
    case ServerVariable::client_certificate_serial:
    case ServerVariable::client_certificate_start_date:
    case ServerVariable::client_certificate_subject: return;
  }
}

bool Rewriter::evaluate(const model::RewriteValue& value, const Seen& seen, std::size_t captures_at) {
  value_.clear();
  for (const auto& piece : value.pieces) {
    value_ += piece.literal;
    if (piece.capture) value_ += captures_[captures_at + *piece.capture];
    if (piece.variable) append_variable(value_, *piece.variable, seen);
    if (value_.size() > value_bytes_max) return false;
  }
  return true;
}

bool Rewriter::rewrite_fields(const std::vector<model::HeaderRewrite>& fields, const model::RewriteRule& rule,
                              const Seen& seen, std::size_t captures_at, MessageHead& head) {
  culprit_ = &rule;
  for (const model::HeaderRewrite& field : fields) {
    if (!evaluate(field.value, seen, captures_at)) return false;
    remove_controls(value_);
    const std::string_view value = trimmed(value_);
    const bool host = &head != seen.response && equals_ignoring_case(field.name, "Host");
    if (host && value.empty()) continue;  // a request has a Host
    host_changed_ = host_changed_ || host;
    change_field(field, value, head);
  }
  return true;
}

void Rewriter::change_field(const model::HeaderRewrite& field, std::string_view value, MessageHead& head) {
  if (!field.matcher) {
    if (value.empty())
      head.remove(field.name);
    else
      head.set(field.name, value);
    return;
  }
  std::erase_if(head.fields, [&](MessageHead::Field& each) {
    if (!equals_ignoring_case(head.name(each), field.name)) return false;
    if (field.matcher->pattern.matches(head.value(each)) == field.matcher->negate) return false;
    if (value.empty()) return true;
    head.set_value(each, value);
    return false;
  });
}

bool Rewriter::rewrite_url(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at) {
  // Both are computed of the URL as it was before either changes it.
  std::string_view query_now = query_;
  std::string new_query;
  if (rule.query) {
    if (!evaluate(*rule.query, seen, captures_at)) return false;
    append_encoded(new_query, value_.starts_with('?') ? std::string_view(value_).substr(1) : value_, false);
    query_now = new_query;
    url_changed_ = true;
  }
  if (rule.path) {
    if (!evaluate(*rule.path, seen, captures_at)) return false;
    path_.clear();
    if (!value_.starts_with('/')) path_ = "/";
    append_encoded(path_, value_, true);
    url_changed_ = true;
  }
  if (rule.query) query_ = query_now;
  return true;
}

}  // namespace passerelle::policy
