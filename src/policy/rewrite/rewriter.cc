#include "policy/rewrite/rewriter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <span>
#include <utility>

#include "base/digest.h"
#include "base/text.h"
#include "protocol/cookies.h"

namespace passerelle::policy {
namespace {

using model::RewriteVariable;
using model::ServerVariable;

// No value may end a field and begin another. Parsers let none through; this is the last door.
void remove_controls(std::string& text) {
  std::erase_if(text,
                [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; });
}

void append_certificate(std::string& out, const ClientCertificate* certificate, ServerVariable variable) {
  static const ClientCertificate none;
  const ClientCertificate& shown = certificate != nullptr ? *certificate : none;
  switch (variable) {
    case ServerVariable::client_certificate: out += shown.pem; return;
    case ServerVariable::client_certificate_end_date: out += shown.not_after; return;
    case ServerVariable::client_certificate_fingerprint: out += shown.fingerprint; return;
    case ServerVariable::client_certificate_issuer: out += shown.issuer; return;
    case ServerVariable::client_certificate_serial: out += shown.serial; return;
    case ServerVariable::client_certificate_start_date: out += shown.not_before; return;
    case ServerVariable::client_certificate_subject: out += shown.subject; return;
    default: out += shown.verification; return;
  }
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

// Names that differ in case, or in '_' and '.' for '-'.
bool reads_like(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto plain = [](char c) { return c == '_' || c == '.' ? '-' : ascii_lower(c); };
    return plain(x) == plain(y);
  });
}

// All fields of that name as one value (RFC 9110 section 5.3): what is tested is what is used.
void append_list(std::string& out, const MessageHead& head, std::string_view name) {
  bool first = true;
  for (const auto& field : head.fields) {
    if (!equals_ignoring_case(head.name(field), name)) continue;
    if (!std::exchange(first, false)) out += field.id == FieldId::cookie ? "; " : ", ";
    out += head.value(field);
  }
}

// RFC 7617: the user of "Basic dXNlcjpwYXNz"; nobody where it holds controls.
std::string basic_user(const MessageHead& request) {
  const auto authorization = request.find("Authorization");
  if (!authorization) return {};
  const auto [scheme, credentials] = split_once(*authorization, ' ');
  if (!equals_ignoring_case(scheme, "Basic")) return {};
  const auto decoded = from_base64(trimmed(credentials));
  std::string user = decoded ? std::string(split_once(*decoded, ':').first) : std::string();
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::any_of(user, is_control) ? std::string() : user;
}

template <class Number>
void append_number(std::string& out, Number number) {
  const fmt::format_int text(number);
  out.append(text.data(), text.size());
}

}  // namespace

void Rewriter::clear() {
  ran_.clear();
  touched_.clear();
  touched_response_.clear();
  // What one client filled to the brim is not kept for the next.
  constexpr std::size_t kept_bytes_max = 1024;
  std::erase_if(captures_, [](const std::string& each) { return each.capacity() > kept_bytes_max; });
  std::erase_if(values_, [](const std::string& each) { return each.capacity() > kept_bytes_max; });
  captures_used_ = 0;
  path_.clear();
  query_.clear();
  url_changed_ = false;
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
  bool again = false;
  for (const model::RewriteRule& rule : set.rules) {
    const Seen seen{facts, request, nullptr};
    const std::size_t at = reserve_captures(rule);
    if (!holds(rule, seen, at)) {
      captures_used_ = at;
      continue;
    }
    ran_.push_back({&rule, at});
    if (rule.waits_for_response) continue;
    if (const Outcome outcome = act_on_request(rule, seen, at, request); outcome != Outcome::done)
      return outcome;
    again = again || rule.reroute;
  }
  return again ? Outcome::reroute : Outcome::done;
}

Rewriter::Outcome Rewriter::act_on_request(const model::RewriteRule& rule, const Seen& seen,
                                           std::size_t captures_at, MessageHead& request) {
  culprit_ = &rule;
  if (!evaluate_fields(rule.request_fields, seen, captures_at)) return Outcome::too_long;
  if (rule.path && !evaluate(*rule.path, seen, captures_at, new_path_)) return Outcome::too_long;
  if (rule.query && !evaluate(*rule.query, seen, captures_at, new_query_)) return Outcome::too_long;
  for (std::size_t i = 0; i < rule.request_fields.size(); ++i) {
    const model::HeaderRewrite& field = rule.request_fields[i];
    if (equals_ignoring_case(field.name, "Host")) {
      if (values_[i].empty()) continue;  // a request has a Host
      if (!http1::host_of(values_[i])) return Outcome::bad_host;
    }
    change_field(field, values_[i], request);
    if (!is_touched(field.name)) touched_.push_back(field.name);
  }
  if (rule.path) {
    path_.clear();
    if (!new_path_.starts_with('/')) path_ = "/";
    append_encoded(path_, new_path_, true);
  }
  if (rule.query) {
    query_.clear();
    const std::string_view query = new_query_;
    append_encoded(query_, query.starts_with('?') ? query.substr(1) : query, false);
  }
  url_changed_ = url_changed_ || rule.path || rule.query;
  return Outcome::done;
}

Rewriter::Outcome Rewriter::rewrite_response(const RewriteFacts& facts, const MessageHead& request,
                                             MessageHead& response) {
  for (const Ran& ran : ran_) {
    const auto& fields = ran.rule->response_fields;
    const Seen seen{facts, request, &response};
    if (fields.empty() || (ran.rule->waits_for_response && !holds(*ran.rule, seen, ran.captures_at)))
      continue;
    culprit_ = ran.rule;
    if (!evaluate_fields(fields, seen, ran.captures_at)) return Outcome::too_long;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      change_field(fields[i], values_[i], response);
      touched_response_.push_back(fields[i].name);
    }
  }
  return Outcome::done;
}

bool Rewriter::touches_response() const {
  return std::ranges::any_of(ran_, [](const Ran& ran) { return !ran.rule->response_fields.empty(); });
}

void Rewriter::remove_touched(MessageHead& trailers, bool of_response) const {
  for (const std::string_view name : of_response ? touched_response_ : touched_) {
    std::erase_if(trailers.fields, [&](const auto& field) { return reads_like(trailers.name(field), name); });
  }
}

bool Rewriter::is_touched(std::string_view name) const {
  return std::ranges::any_of(touched_,
                             [&](std::string_view each) { return equals_ignoring_case(each, name); });
}

bool Rewriter::holds(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at) {
  return std::ranges::all_of(rule.conditions, [&](const model::RewriteCondition& condition) {
    return condition.on_response != (seen.response != nullptr) ||
           condition_holds(condition, seen, captures_at) != condition.negate;
  });
}

bool Rewriter::condition_holds(const model::RewriteCondition& condition, const Seen& seen,
                               std::size_t captures_at) {
  const RewriteVariable& variable = condition.variable;
  if (variable.source == RewriteVariable::Source::response_field &&
      equals_ignoring_case(variable.name, "Set-Cookie")) {
    // Cookies cannot be one list (RFC 9110 section 5.3): any of them may fit.
    return std::ranges::any_of(seen.response->fields, [&](const MessageHead::Field& field) {
      return field.id == FieldId::set_cookie &&
             try_pattern(condition, seen.response->value(field), captures_at);
    });
  }
  scratch_.clear();
  append_variable(scratch_, variable, seen);
  return try_pattern(condition, scratch_, captures_at);
}

// Groups that no value refers to are not asked for: they are what makes a pattern slow.
bool Rewriter::try_pattern(const model::RewriteCondition& condition, std::string_view text,
                           std::size_t captures_at) {
  std::array<std::string_view, Pattern::groups_max + 1> groups;
  const auto wanted = static_cast<std::size_t>(std::bit_width(condition.groups_used));
  if (!condition.pattern.matches(text, std::span(groups.data(), wanted))) return false;
  for (std::size_t i = 0; i < wanted; ++i) {
    if ((condition.groups_used >> i & 1U) != 0)
      captures_[captures_at + condition.captures_at + i].assign(groups[i]);
  }
  return true;
}

void Rewriter::append_variable(std::string& out, const RewriteVariable& variable, const Seen& seen) const {
  switch (variable.source) {
    case RewriteVariable::Source::request_field: append_request_field(out, variable.name, seen); return;
    case RewriteVariable::Source::response_field:
      if (seen.response == nullptr) return;
      if (equals_ignoring_case(variable.name, "Set-Cookie"))
        out += seen.response->find(FieldId::set_cookie).value_or("");
      else
        append_list(out, *seen.response, variable.name);
      return;
    case RewriteVariable::Source::cookie:
      out += find_cookie(*seen.facts.request, variable.name).value_or("");
      return;
    case RewriteVariable::Source::server: append_server(out, variable.server, seen); return;
  }
}

// The client's field, or what an earlier rule made of it: what the gateway adds by itself is not the
// client's.
void Rewriter::append_request_field(std::string& out, std::string_view name, const Seen& seen) const {
  append_list(out, is_touched(name) ? seen.request : *seen.facts.request, name);
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
    case ServerVariable::http_version: out += facts.request->version(); return;
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
    case ServerVariable::client_certificate:
    case ServerVariable::client_certificate_end_date:
    case ServerVariable::client_certificate_fingerprint:
    case ServerVariable::client_certificate_issuer:
    case ServerVariable::client_certificate_serial:
    case ServerVariable::client_certificate_start_date:
    case ServerVariable::client_certificate_subject:
    case ServerVariable::client_certificate_verification:
      return append_certificate(out, facts.client->certificate, variable);
  }
}

bool Rewriter::evaluate(const model::RewriteValue& value, const Seen& seen, std::size_t captures_at,
                        std::string& out) const {
  out.clear();
  for (const auto& piece : value.pieces) {
    out += piece.literal;
    if (piece.capture) out += captures_[captures_at + *piece.capture];
    if (piece.variable) append_variable(out, *piece.variable, seen);
    if (out.size() > value_bytes_max) return false;
  }
  return true;
}

bool Rewriter::evaluate_fields(const std::vector<model::HeaderRewrite>& fields, const Seen& seen,
                               std::size_t captures_at) {
  if (values_.size() < fields.size()) values_.resize(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (!evaluate(fields[i].value, seen, captures_at, values_[i])) return false;
    remove_controls(values_[i]);
    values_[i] = trimmed(values_[i]);
  }
  return true;
}

void Rewriter::change_field(const model::HeaderRewrite& field, std::string_view value,
                            MessageHead& head) const {
  if (!field.matcher) {
    // Also what CGI-like backends take for it: a client must not bring it back as "X_Real_IP".
    std::erase_if(head.fields, [&](const MessageHead::Field& each) {
      const std::string_view name = head.name(each);
      return !equals_ignoring_case(name, field.name) && reads_like(name, field.name);
    });
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

}  // namespace passerelle::policy
