#include "base/host_pattern.h"

#include <algorithm>

#include "base/text.h"

namespace passerelle {

bool host_matches(std::string_view pattern, std::string_view host) {
  // The root's dot says nothing more: "www.contoso.com." is "www.contoso.com".
  if (pattern.ends_with('.')) pattern.remove_suffix(1);
  if (host.ends_with('.')) host.remove_suffix(1);
  std::size_t p = 0, h = 0;
  std::size_t star = std::string_view::npos, star_host = 0;
  while (h < host.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_host = h;
    } else if (p < pattern.size() && (pattern[p] == '?' || ascii_lower(pattern[p]) == ascii_lower(host[h]))) {
      ++p;
      ++h;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      h = ++star_host;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string host_pattern_error(std::string_view pattern) {
  constexpr std::ptrdiff_t stars_max = 2, wildcards_max = 4;
  constexpr std::size_t host_bytes_max = 253;  // RFC 1035 section 2.3.4, without the last dot
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._*?").find(c) != std::string_view::npos;
  };
  if (pattern.empty()) return "a host name is not empty";
  if (pattern.size() > host_bytes_max) return "a host name has at most 253 characters";
  if (!std::ranges::all_of(pattern, is_allowed))
    return "a host name holds letters, digits, '-', '.', '*' and '?' only";
  const auto stars = std::ranges::count(pattern, '*');
  if (stars > stars_max) return "a host name holds at most two '*'";
  if (stars + std::ranges::count(pattern, '?') > wildcards_max)
    return "a host name holds at most four wildcards";
  for (const std::string_view pair : {"**", "*?", "?*"}) {
    if (pattern.find(pair) != std::string_view::npos) return "a '*' does not stand beside another wildcard";
  }
  for (std::string_view rest = pattern; !rest.empty();) {
    const auto [label, others] = split_once(rest, '.');
    if (std::ranges::count(label, '*') > 1) return "a label of a host name holds at most one '*'";
    rest = others;
  }
  return {};
}

}  // namespace passerelle
