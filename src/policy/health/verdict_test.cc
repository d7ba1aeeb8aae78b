#include "policy/health/verdict.h"

#include <gtest/gtest.h>

namespace passerelle::policy {
namespace {

TEST(HealthThreshold, OneSuccessMarksUpAndOnlyConsecutiveFailuresMarkDown) {
  HealthThreshold standing;
  EXPECT_EQ(standing.feed(true, 3), Health::up);
  EXPECT_EQ(standing.feed(false, 3), std::nullopt);
  EXPECT_EQ(standing.feed(false, 3), std::nullopt);
  EXPECT_EQ(standing.feed(true, 3), std::nullopt);
  EXPECT_EQ(standing.feed(false, 3), std::nullopt);
  EXPECT_EQ(standing.feed(false, 3), std::nullopt);
  EXPECT_EQ(standing.feed(false, 3), Health::down);
  EXPECT_EQ(standing.feed(false, 3), std::nullopt);
  EXPECT_EQ(standing.feed(true, 3), Health::up);
}

TEST(HealthThreshold, AMemberThatNeverAnsweredIsDownAtItsFirstFailure) {
  HealthThreshold standing;
  EXPECT_EQ(standing.feed(false, 3), Health::down);
}

TEST(Judge, StatusAndBodyMustFitAndAWebSocketOnlyServerGetsAHint) {
  model::Probe probe;
  MessageHead answer;
  answer.status = 399;
  EXPECT_TRUE(judge(probe, answer, "").success);
  answer.status = 426;
  const auto verdict = judge(probe, answer, "");
  EXPECT_FALSE(verdict.success);
  EXPECT_EQ(verdict.expected, "status 200-399");
  EXPECT_EQ(verdict.received, "status 426");
  EXPECT_NE(verdict.hint, "");
  probe.body = "ready";
  answer.status = 200;
  EXPECT_FALSE(judge(probe, answer, "not yet").success);
  EXPECT_TRUE(judge(probe, answer, "I am ready.").success);
}

}  // namespace
}  // namespace passerelle::policy
