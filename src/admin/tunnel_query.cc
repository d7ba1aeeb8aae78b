#include "admin/tunnel_query.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"
#include "protocol/url.h"

namespace passerelle::admin {
namespace {

using namespace std::string_view_literals;

std::expected<std::size_t, std::string> number(std::string_view name, std::string_view text,
                                               std::size_t least, std::size_t most) {
  const auto value = parse_decimal<std::size_t>(text);
  if (value && *value >= least && *value <= most) return *value;
  return std::unexpected(fmt::format("{} is a number from {} to {}", name, least, most));
}

// False: there is no such order.
bool read_order(TunnelQuery& out, std::string_view text) {
  static constexpr std::array names = {"seconds"sv, "messages"sv, "bytes"sv};
  out.descending = text.starts_with('-');
  if (out.descending) text.remove_prefix(1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!equals_ignoring_case(text, names[i])) continue;
    out.order = static_cast<TunnelQuery::Order>(i);
    return true;
  }
  return false;
}

}  // namespace

std::expected<TunnelQuery, std::string> TunnelQuery::parse(std::string_view query) {
  TunnelQuery out;
  const std::array<std::pair<std::string_view, std::string*>, 6> filters = {{{"id", &out.id},
                                                                             {"listener", &out.listener},
                                                                             {"rule", &out.rule},
                                                                             {"pool", &out.pool},
                                                                             {"client", &out.client},
                                                                             {"member", &out.member}}};
  while (!query.empty()) {
    const auto [part, rest] = split_once(query, '&');
    query = rest;
    if (part.empty()) continue;
    const auto [name, raw] = split_once(part, '=');
    const std::string value = percent_decoded(raw);
    if (name == "sort") {
      if (!read_order(out, value))
        return std::unexpected(
            "sort is seconds, messages or bytes; with a - before it the largest come first");
    } else if (name == "limit" || name == "offset") {
      const bool is_limit = name == "limit";
      const auto given = number(name, value, is_limit ? 1 : 0, is_limit ? limit_max : offset_max);
      if (!given) return std::unexpected(given.error());
      (is_limit ? out.limit : out.offset) = *given;
    } else {
      bool known = false;
      for (const auto& [filter, place] : filters) {
        if (name != filter) continue;
        *place = value;
        known = true;
      }
      if (!known)
        return std::unexpected(fmt::format(
            "there is no '{}' to ask for: id, listener, rule, pool, client, member; sort, limit, offset",
            name));
    }
  }
  return out;
}

}  // namespace passerelle::admin
