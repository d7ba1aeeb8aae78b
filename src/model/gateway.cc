#include "model/gateway.h"

#include "base/text.h"

namespace passerelle::model {

std::optional<Probe::StatusRange> parse_status_range(std::string_view text) {
  const auto [low_text, high_text] = split_once(text, '-');
  const auto low = parse_decimal<unsigned>(trimmed(low_text));
  const auto high = high_text.empty() ? low : parse_decimal<unsigned>(trimmed(high_text));
  if (!low || !high || *low < 100 || *high > 999 || *low > *high) return std::nullopt;
  return Probe::StatusRange{static_cast<int>(*low), static_cast<int>(*high)};
}

void build_indexes(Gateway& gateway) {
  for (Frontend& frontend : gateway.frontends) {
    frontend.hosts = {};
    for (const Index listener : frontend.listeners)
      frontend.hosts.add(gateway.listeners[listener].host_names);
  }
  for (Rule& rule : gateway.rules) rule.paths = PathIndex(rule.path_rules);
}

}  // namespace passerelle::model
