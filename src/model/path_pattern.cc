#include "model/path_pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace passerelle::model {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = ascii_lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

}  // namespace

char take_decoded(std::string_view& path) {
  char c = path.front();
  std::size_t used = 1;
  if (c == '%' && path.size() >= 3 && hex_value(path[1]) >= 0 && hex_value(path[2]) >= 0) {
    c = static_cast<char>(hex_value(path[1]) * 16 + hex_value(path[2]));
    used = 3;
  }
  path.remove_prefix(used);
  return ascii_lower(c);
}

PathPattern make_path_pattern(std::string_view text) {
  PathPattern out;
  out.text = text;
  out.prefix = text.ends_with('*');
  std::string_view rest = text.substr(0, text.size() - (out.prefix ? 1 : 0));
  while (!rest.empty()) out.decoded += take_decoded(rest);
  return out;
}

std::optional<std::size_t> matched_length(const PathPattern& pattern, std::string_view path) {
  std::string_view rest = path;
  for (const char wanted : pattern.decoded) {
    if (rest.empty() || take_decoded(rest) != wanted) return std::nullopt;
  }
  if (!pattern.prefix && !rest.empty()) return std::nullopt;
  return path.size() - rest.size();
}

std::string path_pattern_error(std::string_view text) {
  if (text.empty()) return "a path is not empty; write \"/images/*\"";
  if (!text.starts_with('/')) return "a path begins with '/', such as \"/images/*\"";
  const auto star = text.find('*');
  if (star != std::string_view::npos && star + 1 != text.size())
    return "a '*' stands only at the end of a path";
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-._~!$()*'+,;=:@/%&").find(c) != std::string_view::npos;
  };
  const auto illegal = std::ranges::find_if_not(text, is_legal);
  if (illegal != text.end()) return fmt::format("a path holds no '{}'", *illegal);
  return {};
}

}  // namespace passerelle::model
