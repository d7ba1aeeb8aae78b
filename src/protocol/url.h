// An absolute URL, taken apart (RFC 3986 section 3), as somebody types it or a template holds it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle {

// A value. The host is not judged here: http1::host_of() does that.
struct Url {
  std::string scheme;     // in lower case
  std::string authority;  // host and port, as written
  std::string host;       // an IPv6 address in its brackets
  std::optional<std::uint16_t> port;
  std::string target;  // path and query; "/" where there is no path
};

// Nothing: it has no scheme or no host, or its port is no number.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

// Of a query, without its '?': all values of that name, decoded; names ignore case.
[[nodiscard]] std::vector<std::string> query_parameters(std::string_view query, std::string_view name);
// The first of them; empty where there is none.
[[nodiscard]] std::string query_parameter(std::string_view query, std::string_view name);

}  // namespace passerelle
