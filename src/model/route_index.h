// What a gateway is asked by, indexed when it is made, so that a route costs the same with many listeners and
// path rules as with few (docs/performance/routing.md).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace passerelle::model {

struct PathRule;

// Which of several lists of host patterns takes a host: the first in order, as asking each with
// host_matches() would find. Immutable once built.
class HostIndex {
 public:
  // The host names of the next in order; none: it takes every host.
  void add(const std::vector<std::string>& host_names);

  // By its place in the order; nothing: nobody takes the host. Allocates nothing.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view asked) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  using Places = std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>>;
  struct Odd {
    std::string pattern;
    std::size_t place;
  };
  void add_name(std::string_view written, std::size_t place);

  std::size_t count_ = 0;
  Places exact_;                           // lower case
  Places suffixes_;                        // of "*.contoso.com": ".contoso.com"
  std::vector<Odd> odd_;                   // wildcards elsewhere: asked one by one, in order
  std::optional<std::size_t> everything_;  // the first that takes every host
};

// Which path rule of a map takes a path: the first in order with a pattern that fits, as asking each with
// path_matches() would find. A trie over the decoded patterns. Immutable once built.
class PathIndex {
 public:
  PathIndex() { nodes_.emplace_back(); }
  explicit PathIndex(const std::vector<PathRule>& rules);

  // By its place in the list. `path`: as sent, without its query. Allocates nothing.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view path) const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  struct Edge {
    char letter;
    std::uint32_t node;
  };
  struct Node {
    std::vector<Edge> edges;
    std::uint32_t as_prefix = none;  // the rule of a pattern that ends here with '*'
    std::uint32_t exact = none;
  };
  [[nodiscard]] std::uint32_t child(std::uint32_t node, char letter) const;
  std::vector<Node> nodes_;
};

}  // namespace passerelle::model
