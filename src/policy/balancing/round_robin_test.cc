#include "policy/balancing/round_robin.h"

#include <gtest/gtest.h>

#include <array>

namespace passerelle::policy {
namespace {

TEST(RoundRobin, SharesEvenlyAmongTheUsableAndLeavesTheOthersOut) {
  std::atomic<std::uint64_t> turn = 0;
  std::array<int, 4> hits{};
  for (int i = 0; i < 300; ++i) ++hits[*round_robin(4, turn, [](std::size_t m) { return m != 1; })];
  EXPECT_EQ(hits, (std::array<int, 4>{100, 0, 100, 100}));
}

TEST(RoundRobin, ChoosesNoneWhenNoneIsUsable) {
  std::atomic<std::uint64_t> turn = 0;
  EXPECT_FALSE(round_robin(3, turn, [](std::size_t) { return false; }));
  EXPECT_FALSE(round_robin(0, turn, [](std::size_t) { return true; }));
}

}  // namespace
}  // namespace passerelle::policy
