#include "model/route_index.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/host_pattern.h"
#include "base/random.h"
#include "model/gateway.h"

namespace passerelle::model {
namespace {

// What the index stands for: asking each in order.
std::optional<std::size_t> first_host(const std::vector<std::vector<std::string>>& lists,
                                      std::string_view host) {
  for (std::size_t i = 0; i < lists.size(); ++i) {
    if (lists[i].empty() ||
        std::ranges::any_of(lists[i], [&](const auto& pattern) { return host_matches(pattern, host); }))
      return i;
  }
  return std::nullopt;
}

std::optional<std::size_t> first_path(const std::vector<PathRule>& rules, std::string_view path) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (std::ranges::any_of(rules[i].paths, [&](const auto& pattern) { return path_matches(pattern, path); }))
      return i;
  }
  return std::nullopt;
}

template <class Choices>
std::string joined(SeededRandom& random, const Choices& choices, std::size_t most) {
  std::string out;
  for (std::size_t i = random.next() % (most + 1); i > 0; --i) out += choices[random.next() % choices.size()];
  return out;
}

TEST(HostIndex, FindsWhatAskingEachInOrderFinds) {
  SeededRandom random(7);
  const std::vector<std::string> of_patterns = {"a", "B", ".", "com", "*", "?", "*.", ".a"};
  const std::vector<std::string> of_hosts = {"a", "b", "A", ".", "com", ".com", "aa"};
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::vector<std::string>> lists(random.next() % 6);
    HostIndex index;
    for (auto& list : lists) {
      list.resize(random.next() % 3);
      for (auto& pattern : list) pattern = joined(random, of_patterns, 4);
      index.add(list);
    }
    for (int i = 0; i < 20; ++i) {
      const std::string host = joined(random, of_hosts, 5);
      EXPECT_EQ(index.find(host), first_host(lists, host)) << host;
    }
  }
}

TEST(HostIndex, TakesHostsLongerThanAnyName) {
  HostIndex index;
  index.add({"*.contoso.com"});
  EXPECT_EQ(index.find(std::string(1000, 'a') + ".Contoso.com"), 0U);
  EXPECT_EQ(index.find(std::string(1000, 'a')), std::nullopt);
}

TEST(PathIndex, FindsWhatAskingEachInOrderFinds) {
  SeededRandom random(11);
  const std::vector<std::string> parts = {"/", "a", "A", "b", "%61", "%2f", "%", "ab"};
  for (int round = 0; round < 3000; ++round) {
    std::vector<PathRule> rules(random.next() % 5);
    for (auto& rule : rules) {
      for (std::size_t i = random.next() % 3; i > 0; --i)
        rule.paths.push_back(
            make_path_pattern("/" + joined(random, parts, 4) + (random.next() % 2 == 0 ? "*" : "")));
    }
    const PathIndex index(rules);
    for (int i = 0; i < 20; ++i) {
      const std::string path = "/" + joined(random, parts, 6);
      EXPECT_EQ(index.find(path), first_path(rules, path)) << path;
    }
  }
  EXPECT_EQ(PathIndex().find("/"), std::nullopt);
}

}  // namespace
}  // namespace passerelle::model
