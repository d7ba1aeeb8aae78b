// The paths of path rules, and whether a request's path is one of them.
// Source: Azure, URL path-based routing; behaviour sheet, section 5.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace passerelle::model {

// One of a path rule's paths: "/images/*" (a prefix) or "/images" (exact).
struct PathPattern {
  std::string text;     // as written
  std::string decoded;  // lower case, percent-decoded, without the '*'
  bool prefix = false;
};

// Takes one character from the front, percent-decoded and in lower case; what is no escape stands for itself.
[[nodiscard]] char take_decoded(std::string_view& path);

// As written in a template. Legal or not: see path_pattern_error().
[[nodiscard]] PathPattern make_path_pattern(std::string_view text);

// How much of the path, as sent, the pattern has before its '*', or all of it; nothing if it does not fit.
// `path`: as the client sent it, without its query; it is percent-decoded here, once, and its case is
// ignored. Allocates nothing.
[[nodiscard]] std::optional<std::size_t> matched_length(const PathPattern& pattern, std::string_view path);
[[nodiscard]] inline bool path_matches(const PathPattern& pattern, std::string_view path) {
  return matched_length(pattern, path).has_value();
}

// Why Azure refuses the pattern, as a sentence; empty when it does not.
[[nodiscard]] std::string path_pattern_error(std::string_view text);

}  // namespace passerelle::model
