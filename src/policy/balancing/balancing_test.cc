#include "policy/balancing/balancing.h"

#include <gmock/gmock.h>

#include <array>
#include <thread>
#include <vector>

namespace passerelle::policy {
namespace {

using testing::ElementsAre;

const auto all = [](std::size_t) { return true; };
const auto none = [](std::size_t) { return false; };

TEST(RoundRobin, SharesEvenlyAmongTheUsableAndLeavesTheOthersOut) {
  std::atomic<std::uint64_t> turn = 0;
  std::array<int, 4> hits{};
  for (int i = 0; i < 300; ++i)
    ++hits[*round_robin(4, Weights(), turn, [](std::size_t m) { return m != 1; })];
  EXPECT_THAT(hits, ElementsAre(100, 0, 100, 100));
}

TEST(RoundRobin, FollowsWeightsExactlyAndSpreadsThem) {
  std::atomic<std::uint64_t> turn = 0;
  const std::array<std::uint32_t, 3> weights = {5, 1, 2};
  std::vector<std::size_t> order;
  for (int i = 0; i < 8; ++i) order.push_back(*round_robin(3, Weights(weights), turn, all));
  EXPECT_EQ(std::count(order.begin(), order.end(), 0U), 5);
  EXPECT_EQ(std::count(order.begin(), order.end(), 1U), 1);
  EXPECT_EQ(std::count(order.begin(), order.end(), 2U), 2);
  EXPECT_NE(std::vector(order.begin(), order.begin() + 5), std::vector<std::size_t>(5, 0))
      << "not in one run";
}

TEST(Balancing, ChoosesNoneWhenNoneIsUsable) {
  std::atomic<std::uint64_t> turn = 0;
  std::atomic<std::uint32_t> seats = 0;
  const auto one = [](std::size_t) { return std::uint64_t{1}; };
  for (const std::size_t count : {0U, 3U}) {
    EXPECT_FALSE(round_robin(count, Weights(), turn, none));
    EXPECT_FALSE(least_loaded(count, Weights(), 0, none, one));
    EXPECT_FALSE(take_fewest(count, Weights(), turn, none, [&](std::size_t) -> auto& { return seats; }));
    EXPECT_FALSE(by_hash(count, Weights(), 1, none, one));
  }
}

TEST(LeastLoaded, ComparesLoadsByWeightAndLetsEqualsTakeTurns) {
  const std::array<std::uint64_t, 3> loads = {4, 3, 9};
  const std::array<std::uint32_t, 3> weights = {1, 1, 4};
  const auto load = [&](std::size_t i) { return loads[i]; };
  EXPECT_EQ(least_loaded(3, Weights(), 0, all, load)->index, 1U);
  EXPECT_EQ(least_loaded(3, Weights(weights), 0, all, load)->index, 2U);
  const auto same = [](std::size_t) { return std::uint64_t{7}; };
  for (std::size_t start = 0; start < 3; ++start)
    EXPECT_EQ(least_loaded(3, Weights(), start, all, same)->index, start);
}

TEST(TakeFewest, FillsMembersEvenlyFromSeveralThreads) {
  constexpr int threads = 4, each = 5000;
  std::array<std::atomic<std::uint32_t>, 3> seats{};
  seats[0] = 3000;
  seats[1] = 3000;
  std::atomic<std::uint64_t> turn = 0;
  {
    std::vector<std::jthread> running;
    for (int t = 0; t < threads; ++t) {
      running.emplace_back([&] {
        for (int i = 0; i < each; ++i)
          (void)take_fewest(3, Weights(), turn, all, [&](std::size_t m) -> auto& { return seats[m]; });
      });
    }
  }
  const std::uint32_t total = 6000 + threads * each;
  for (const auto& member : seats) {
    EXPECT_GE(member.load(), total / 3);
    EXPECT_LE(member.load(), total / 3 + 1);
  }
}

TEST(ByHash, KeepsAClientAtItsMemberAndMovesOnlyThoseOfOneThatGoes) {
  const auto identity = [](std::size_t i) { return mixed(i + 1); };
  int moved = 0;
  std::array<int, 4> hits{};
  for (std::uint64_t client = 0; client < 4000; ++client) {
    const auto before = *by_hash(4, Weights(), mixed(client + 1000), all, identity);
    ++hits[before];
    const auto after =
        *by_hash(4, Weights(), mixed(client + 1000), [](std::size_t i) { return i != 2; }, identity);
    moved += before != after ? 1 : 0;
    if (before != 2) EXPECT_EQ(before, after);
  }
  EXPECT_EQ(moved, hits[2]);
  for (const int each : hits) EXPECT_NEAR(each, 1000, 150);
}

TEST(ByHash, FollowsWeights) {
  const std::array<std::uint32_t, 2> weights = {3, 1};
  int first = 0;
  for (std::uint64_t client = 0; client < 4000; ++client) {
    const auto chosen =
        by_hash(2, Weights(weights), mixed(client + 7), all, [](std::size_t i) { return mixed(i + 1); });
    first += *chosen == 0 ? 1 : 0;
  }
  EXPECT_NEAR(first, 3000, 150);
}

}  // namespace
}  // namespace passerelle::policy
