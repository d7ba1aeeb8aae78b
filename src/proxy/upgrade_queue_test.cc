// So many handshakes at a member at a time, and the others in the order they came.
#include "proxy/upgrade_queue.h"

#include <gtest/gtest.h>

#include "io/simulated_engine.h"
#include "io/task_group.h"
#include "policy/balancing/slow_start.h"

namespace passerelle::proxy {
namespace {

using std::chrono::seconds;

class UpgradeQueueTest : public testing::Test {
 protected:
  UpgradeQueueTest() {
    limits.member_upgrades_max = 2;
    limits.upgrades_waiting_max = 3;
    limits.upgrade_slot_time = std::chrono::seconds(50);
  }

  io::Task<> enter(int number, Duration stays, std::shared_ptr<board::Member> where) {
    UpgradeQueue::Slot slot(queue);
    const bool entered = co_await queue.enter(slot, where, group.stop_source());
    log += entered ? fmt_of(number) : "!" + fmt_of(number);
    if (entered) (void)co_await engine.sleep(engine.in(stays, group.stop_source()));
  }
  static std::string fmt_of(int number) { return std::to_string(number) + " "; }

  Limits limits;
  io::SimulatedClock clock;
  SeededRandom random{1};
  io::SimulatedEngine engine{clock, random};
  telemetry::Counters counters;
  UpgradeQueue queue{engine, limits, counters};
  io::TaskGroup group{engine};
  std::shared_ptr<board::Member> member =
      std::make_shared<board::Member>("one", *Endpoint::parse("127.0.0.1:1"), false, "s");
  std::shared_ptr<board::Member> other =
      std::make_shared<board::Member>("two", *Endpoint::parse("127.0.0.1:2"), false, "s");
  std::string log;
};

TEST_F(UpgradeQueueTest, TheOthersWaitInOrderAndTooManyAreTurnedAwayAtOnce) {
  for (int i = 1; i <= 6; ++i) group.spawn(enter(i, seconds(1), member));
  EXPECT_EQ(log, "1 2 !6 ");
  group.spawn(enter(7, seconds(1), other));
  EXPECT_EQ(log, "1 2 !6 7 ");
  engine.run();
  EXPECT_EQ(log, "1 2 !6 7 3 4 5 ");
  EXPECT_EQ(counters.upgrades_waited.value(), 3U);
}

TEST_F(UpgradeQueueTest, NobodyWaitsLongerThanTheTimeoutAndAStopEndsEveryWait) {
  for (int i = 1; i <= 3; ++i) group.spawn(enter(i, seconds(100), member));
  engine.run();
  EXPECT_EQ(log, "1 2 !3 ");
  for (int i = 4; i <= 6; ++i) group.spawn(enter(i, seconds(100), member));
  group.stop();
  engine.run();
  EXPECT_EQ(group.running(), 0U);
}

TEST_F(UpgradeQueueTest, WhoHasNoAnswerForLongHoldsNobodyUp) {
  limits.upgrade_slot_time = seconds(2);
  for (int i = 1; i <= 4; ++i) group.spawn(enter(i, seconds(100), member));
  EXPECT_EQ(log, "1 2 ");
  engine.run();
  EXPECT_EQ(log, "1 2 3 4 ");
}

TEST(SlowStart, LetsAFewInAtOnceThenMoreFromSecondToSecondUntilItIsOver) {
  EXPECT_TRUE(policy::is_warm_enough(seconds(0), 15));
  EXPECT_FALSE(policy::is_warm_enough(seconds(0), 16));
  EXPECT_TRUE(policy::is_warm_enough(seconds(1), 47));
  EXPECT_FALSE(policy::is_warm_enough(seconds(1), 48));
  EXPECT_FALSE(policy::is_warm_enough(seconds(5), 1000));
  EXPECT_TRUE(policy::is_warm_enough(seconds(10), 1'000'000));
}

}  // namespace
}  // namespace passerelle::proxy
