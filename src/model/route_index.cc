#include "model/route_index.h"

#include <algorithm>

#include "base/host_pattern.h"
#include "base/text.h"
#include "model/gateway.h"

namespace passerelle::model {
namespace {

std::string_view without_root(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host;
}

bool has_wildcard(std::string_view name) { return name.find_first_of("*?") != std::string_view::npos; }

}  // namespace

void HostIndex::add(const std::vector<std::string>& host_names) {
  const std::size_t place = count_++;
  if (host_names.empty() && !everything_) everything_ = place;
  for (const std::string& name : host_names) add_name(name, place);
}

void HostIndex::add_name(std::string_view written, std::size_t place) {
  const std::string_view name = without_root(written);
  if (!has_wildcard(name)) {
    exact_.try_emplace(lowered(name), place);
  } else if (name == "*") {
    if (!everything_) everything_ = place;
  } else if (name.starts_with("*.") && !has_wildcard(name.substr(1))) {
    suffixes_.try_emplace(lowered(name.substr(1)), place);
  } else {
    odd_.push_back({std::string(written), place});
  }
}

std::optional<std::size_t> HostIndex::find(std::string_view asked) const {
  const std::string_view host = without_root(asked);
  std::optional<std::size_t> best = everything_;
  const auto consider = [&](const Places& places, std::string_view key) {
    const auto found = places.find(key);
    if (found != places.end() && (!best || found->second < *best)) best = found->second;
  };
  // Longer than any name can be: only wildcards might fit.
  constexpr std::size_t host_bytes_max = 256;
  std::array<char, host_bytes_max> buffer;
  if (host.size() <= buffer.size()) {
    std::ranges::transform(host, buffer.begin(), ascii_lower);
    const std::string_view lower(buffer.data(), host.size());
    consider(exact_, lower);
    for (std::size_t dot = lower.find('.'); dot != std::string_view::npos && !suffixes_.empty();
         dot = lower.find('.', dot + 1))
      consider(suffixes_, lower.substr(dot));
  } else {
    for (const auto& [suffix, place] : suffixes_) {
      if (host.size() >= suffix.size() &&
          equals_ignoring_case(host.substr(host.size() - suffix.size()), suffix) && (!best || place < *best))
        best = place;
    }
  }
  for (const Odd& each : odd_) {
    if (best && each.place >= *best) break;
    if (host_matches(each.pattern, asked)) return each.place;
  }
  return best;
}

PathIndex::PathIndex(const std::vector<PathRule>& rules) : PathIndex() {
  for (std::uint32_t place = 0; place < rules.size(); ++place) {
    for (const PathPattern& pattern : rules[place].paths) {
      std::uint32_t at = 0;
      for (const char letter : pattern.decoded) {
        std::uint32_t next = child(at, letter);
        if (next == none) {
          next = static_cast<std::uint32_t>(nodes_.size());
          nodes_.emplace_back();
          nodes_[at].edges.push_back({letter, next});
        }
        at = next;
      }
      std::uint32_t& end = pattern.prefix ? nodes_[at].as_prefix : nodes_[at].exact;
      end = std::min(end, place);  // the first one stands
    }
  }
}

std::uint32_t PathIndex::child(std::uint32_t node, char letter) const {
  for (const Edge& edge : nodes_[node].edges) {
    if (edge.letter == letter) return edge.node;
  }
  return none;
}

std::optional<std::size_t> PathIndex::find(std::string_view path) const {
  std::uint32_t best = nodes_[0].as_prefix, at = 0;
  while (at != none && !path.empty()) {
    at = child(at, take_decoded(path));
    if (at != none) best = std::min(best, nodes_[at].as_prefix);
  }
  if (at != none) best = std::min(best, nodes_[at].exact);
  return best == none ? std::nullopt : std::optional<std::size_t>(best);
}

}  // namespace passerelle::model
