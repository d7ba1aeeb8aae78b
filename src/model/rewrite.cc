#include "model/rewrite.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace passerelle::model {
namespace {

using enum ServerVariable;

constexpr std::array server_variables = {
    std::pair{std::string_view("add_x_forwarded_for_proxy"), add_x_forwarded_for_proxy},
    std::pair{std::string_view("ciphers_supported"), ciphers_supported},
    std::pair{std::string_view("ciphers_used"), ciphers_used},
    std::pair{std::string_view("client_certificate"), client_certificate},
    std::pair{std::string_view("client_certificate_end_date"), client_certificate_end_date},
    std::pair{std::string_view("client_certificate_fingerprint"), client_certificate_fingerprint},
    std::pair{std::string_view("client_certificate_issuer"), client_certificate_issuer},
    std::pair{std::string_view("client_certificate_serial"), client_certificate_serial},
    std::pair{std::string_view("client_certificate_start_date"), client_certificate_start_date},
    std::pair{std::string_view("client_certificate_subject"), client_certificate_subject},
    std::pair{std::string_view("client_certificate_verification"), client_certificate_verification},
    std::pair{std::string_view("client_ip"), client_ip},
    std::pair{std::string_view("client_port"), client_port},
    std::pair{std::string_view("client_tcp_rtt"), client_tcp_rtt},
    std::pair{std::string_view("client_user"), client_user},
    std::pair{std::string_view("host"), host},
    std::pair{std::string_view("http_method"), http_method},
    std::pair{std::string_view("http_status"), http_status},
    std::pair{std::string_view("http_version"), http_version},
    std::pair{std::string_view("query_string"), query_string},
    std::pair{std::string_view("received_bytes"), received_bytes},
    std::pair{std::string_view("request_query"), request_query},
    std::pair{std::string_view("request_scheme"), request_scheme},
    std::pair{std::string_view("request_uri"), request_uri},
    std::pair{std::string_view("sent_bytes"), sent_bytes},
    std::pair{std::string_view("server_port"), server_port},
    std::pair{std::string_view("ssl_connection_protocol"), ssl_connection_protocol},
    std::pair{std::string_view("ssl_enabled"), ssl_enabled},
    std::pair{std::string_view("uri_path"), uri_path},
};

constexpr std::string_view request_prefix = "http_req_";
constexpr std::string_view response_prefix = "http_resp_";
constexpr std::string_view server_prefix = "var_";
constexpr std::string_view cookie_prefix = "var_cookie_";

// The rest behind a prefix; nothing if it is not there, or nothing follows.
std::optional<std::string> behind(std::string_view text, std::string_view prefix) {
  if (!starts_with_ignoring_case(text, prefix) || text.size() == prefix.size()) return std::nullopt;
  return std::string(text.substr(prefix.size()));
}

}  // namespace

std::optional<RewriteVariable> parse_rewrite_variable(std::string_view text) {
  using enum RewriteVariable::Source;
  if (auto name = behind(text, request_prefix)) return RewriteVariable{request_field, {}, std::move(*name)};
  if (auto name = behind(text, response_prefix)) return RewriteVariable{response_field, {}, std::move(*name)};
  if (auto name = behind(text, cookie_prefix)) return RewriteVariable{cookie, {}, std::move(*name)};
  const auto name = behind(text, server_prefix);
  if (!name) return std::nullopt;
  for (const auto& [known, variable] : server_variables) {
    if (equals_ignoring_case(known, *name)) return RewriteVariable{server, variable, {}};
  }
  return std::nullopt;
}

std::string to_string(const RewriteVariable& variable) {
  switch (variable.source) {
    case RewriteVariable::Source::request_field: return std::string(request_prefix) + variable.name;
    case RewriteVariable::Source::response_field: return std::string(response_prefix) + variable.name;
    case RewriteVariable::Source::cookie: return std::string(cookie_prefix) + variable.name;
    case RewriteVariable::Source::server: break;
  }
  for (const auto& [name, known] : server_variables) {
    if (known == variable.server) return std::string(server_prefix) + std::string(name);
  }
  return {};
}

std::vector<std::string_view> server_variable_names() {
  std::vector<std::string_view> out;
  for (const auto& [name, variable] : server_variables) out.push_back(name);
  return out;
}

std::optional<std::string> RewriteValue::constant() const {
  std::string out;
  for (const Piece& piece : pieces) {
    if (piece.variable || piece.capture) return std::nullopt;
    out += piece.literal;
  }
  return out;
}

}  // namespace passerelle::model
