#include "protocol/url.h"

#include <algorithm>

#include "base/text.h"

namespace passerelle {

std::optional<Url> parse_url(std::string_view text) {
  Url out;
  const auto scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return std::nullopt;
  out.scheme = lowered(text.substr(0, scheme_end));
  text.remove_prefix(scheme_end + 3);
  text = text.substr(0, text.find('#'));
  const auto path = text.find_first_of("/?");
  out.authority = text.substr(0, path);
  out.target = path == std::string_view::npos ? "/" : std::string(text.substr(path));
  if (out.target.starts_with('?')) out.target = "/" + out.target;
  const auto colon = out.authority.rfind(':');
  const bool has_port = colon != std::string::npos && out.authority.find(']', colon) == std::string::npos;
  out.host = has_port ? out.authority.substr(0, colon) : out.authority;
  if (has_port) {
    out.port = parse_decimal<std::uint16_t>(std::string_view(out.authority).substr(colon + 1));
    if (!out.port) return std::nullopt;
  }
  return out.host.empty() ? std::nullopt : std::optional(std::move(out));
}

namespace {

// As forms and URLSearchParams write it: '+' is a blank.
std::string form_decoded(std::string_view text) {
  std::string out(text);
  std::ranges::replace(out, '+', ' ');
  return percent_decoded(out);
}

}  // namespace

std::vector<std::string> query_parameters(std::string_view query, std::string_view name) {
  std::vector<std::string> out;
  while (!query.empty()) {
    const auto [pair, rest] = split_once(query, '&');
    const auto [key, value] = split_once(pair, '=');
    if (equals_ignoring_case(form_decoded(key), name)) out.push_back(form_decoded(value));
    query = rest;
  }
  return out;
}

std::string query_parameter(std::string_view query, std::string_view name) {
  auto all = query_parameters(query, name);
  return all.empty() ? std::string() : std::move(all.front());
}

}  // namespace passerelle
