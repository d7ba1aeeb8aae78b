#include "model/keepers.h"

#include <algorithm>

#include "base/text.h"

namespace passerelle::model {
namespace {

bool matches(std::string_view allowed, std::string_view origin) {
  constexpr std::string_view below = "://*.";
  const auto at = allowed.find(below);
  if (at == std::string_view::npos) return equals_ignoring_case(allowed, origin);
  const std::string_view start = allowed.substr(0, at + 3), end = allowed.substr(at + below.size() - 1);
  return origin.size() > start.size() + end.size() && starts_with_ignoring_case(origin, start) &&
         equals_ignoring_case(origin.substr(origin.size() - end.size()), end);
}

}  // namespace

bool is_allowed_origin(const std::vector<std::string>& allowed, std::optional<std::string_view> origin) {
  if (allowed.empty() || !origin) return true;
  return std::ranges::any_of(allowed, [&](const std::string& each) { return matches(each, *origin); });
}

}  // namespace passerelle::model
