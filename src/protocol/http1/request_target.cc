#include "protocol/http1/request_target.h"

#include <algorithm>
#include <tuple>

#include "base/text.h"
#include "protocol/http1/characters.h"

namespace passerelle::http1 {
Parsed<std::string_view> host_of(std::string_view authority) {
  std::string_view host = authority, port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return refuse(400, "the host cannot be read");
    host = authority.substr(0, end + 1);
    const bool plain = std::ranges::all_of(host.substr(1, end - 1), [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' ||
             c == '.';
    });
    const auto rest = authority.substr(end + 1);
    has_port = !rest.empty();
    if (!plain || end == 1 || (has_port && rest.front() != ':'))
      return refuse(400, "the host cannot be read");
    port = has_port ? rest.substr(1) : rest;
  } else {
    const auto colon = authority.find(':');
    has_port = colon != std::string_view::npos;
    host = authority.substr(0, colon);
    if (has_port) port = authority.substr(colon + 1);
    if (host.empty() || !all(host, host_character)) return refuse(400, "the host cannot be read");
    // An empty label is no name's, and to TLS ".example" means every name below it.
    if (host.starts_with('.') || host.find("..") != std::string_view::npos)
      return refuse(400, "the host has an empty label");
  }
  // "host:" with an empty port is allowed by RFC 3986.
  if (has_port && !port.empty() && !parse_decimal<std::uint16_t>(port))
    return refuse(400, "the host's port is not a number");
  return host;
}

Parsed<RequestTarget> request_target(const MessageHead& head) {
  if (head.method() == "CONNECT") return refuse(405, "CONNECT");
  if (head.method() == "TRACE") return refuse(405, "TRACE");
  const auto hosts = head.count(FieldId::host);
  if (hosts > 1) return refuse(400, "more than one Host");
  if (hosts == 0 && head.minor_version == 1) return refuse(400, "no Host");
  RequestTarget out;
  if (hosts == 1) {
    out.authority = *head.find(FieldId::host);
    const auto host = host_of(out.authority);
    if (!host) return std::unexpected(host.error());
    out.host = *host;
  }
  out.origin = head.target();
  if (out.origin != "*" && !out.origin.starts_with('/')) {
    const auto scheme_end = out.origin.find("://");
    const auto scheme = out.origin.substr(0, scheme_end);
    if (scheme_end == std::string_view::npos ||
        (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https"))) {
      return refuse(400, "the request target is neither a path nor an absolute URL");
    }
    const auto after = out.origin.substr(scheme_end + 3);
    const auto slash = after.find_first_of("/?");
    out.authority = after.substr(0, slash);
    const auto host = host_of(out.authority);
    if (!host) return std::unexpected(host.error());
    out.host = *host;
    out.origin = slash == std::string_view::npos ? "/" : after.substr(slash);
    if (out.origin.starts_with('?')) return refuse(400, "the request target has a query but no path");
  }
  if (out.origin == "*" && head.method() != "OPTIONS") return refuse(400, "the target * belongs to OPTIONS");
  std::tie(out.path, out.query) = split_once(out.origin, '?');
  return out;
}

}  // namespace passerelle::http1
