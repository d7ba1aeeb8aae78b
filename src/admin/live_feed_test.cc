// Who watches, over memory: one picture for all, one a second, and nobody who can hold the others up.
#include "admin/live_feed.h"

#include <gtest/gtest.h>

#include "io/simulated_engine.h"
#include "protocol/http1/head_parser.h"

namespace passerelle::admin {
namespace {

using std::chrono::seconds;

class LiveFeedTest : public testing::Test {
 protected:
  LiveFeedTest() {
    http1::HeadParser parser(http1::HeadKind::request);
    (void)parser.feed(
        "GET /api/v1/live HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        {}, head);
    observed.ready = [this] {
      ++pictures;
      return true;
    };
    observed.configuration_version = [] { return std::uint64_t{1}; };
    observed.counters = [] { return std::vector<const telemetry::Counters*>(); };
    observed.route_counters = [] { return std::vector<std::shared_ptr<const telemetry::RouteCounters>>(); };
    observed.gateway = [this] { return gateway; };
    observed.groups = [this] { return groups; };
  }
  ~LiveFeedTest() override {
    group.spawn(feed.stop());
    engine.run();
    EXPECT_EQ(group.running(), 0U) << "somebody still watches";
  }

  // The client's end; the feed has the other.
  std::unique_ptr<io::Stream> watch() {
    auto [ours, theirs] = engine.make_pair();
    group.spawn(feed.watch(std::move(theirs), head, {}));
    return std::move(ours);
  }
  // Reads until the time, or the end.
  io::Task<> read(io::Stream& stream, TimePoint until, std::string& into) {
    for (;;) {
      const auto got = co_await stream.receive({until, nullptr});
      if (!got || got->empty()) co_return;
      into += *got;
    }
  }
  io::Task<> go_at(TimePoint when, std::unique_ptr<io::Stream>& stream) {
    (void)co_await engine.sleep({when, nullptr});
    stream.reset();
  }

  io::SimulatedClock clock;
  SeededRandom random{1};
  io::SimulatedEngine engine{clock, random, {.chunk_bytes_max = 4096, .pipe_bytes_max = 2048}};
  std::shared_ptr<model::Gateway> gateway = std::make_shared<model::Gateway>();
  std::vector<board::Group> groups;
  Observed observed;
  int pictures = 0;
  MessageHead head;
  LiveFeed feed{engine, observed};
  io::TaskGroup group{engine};
};

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t out = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++out;
  return out;
}

TEST_F(LiveFeedTest, OnePictureASecondIsMadeForAllAndNoneForNobody) {
  auto first = watch(), second = watch();
  std::string one, two;
  const TimePoint end = engine.now() + std::chrono::milliseconds(3500);
  group.spawn(read(*first, end, one));
  group.spawn(read(*second, end, two));
  group.spawn(go_at(end + std::chrono::milliseconds(1), first));
  group.spawn(go_at(end + std::chrono::milliseconds(1), second));
  engine.run();
  EXPECT_TRUE(one.starts_with("HTTP/1.1 101 "));
  EXPECT_EQ(count(one, "\"configurationVersion\":1"), 4U) << "at once, and after one, two and three seconds";
  EXPECT_EQ(count(two, "\"configurationVersion\":1"), 4U);
  EXPECT_EQ(pictures, 2 + 3) << "one for each who comes, and one each second";
}

TEST_F(LiveFeedTest, WhoDoesNotReadIsShownOutAndHoldsUpNobody) {
  // More than the pipe takes.
  gateway->groups.push_back(
      {.pool = std::string(1000, 'p'), .settings_name = "s", .settings = {}, .targets = {}});
  auto& members = groups.emplace_back().members;
  for (int i = 0; i < 3; ++i)
    members.push_back(std::make_shared<board::Member>("m", *Endpoint::parse("127.0.0.1:1"), false, "s"));
  auto deaf = watch(), listening = watch();
  std::string heard;
  const TimePoint end = engine.now() + seconds(15);
  group.spawn(read(*listening, end, heard));
  group.spawn(go_at(end + std::chrono::milliseconds(1), listening));
  engine.run();
  EXPECT_GE(count(heard, "\"configurationVersion\":1"), 14U);
  EXPECT_EQ(group.running(), 0U) << "the deaf one is gone by itself";
}

TEST_F(LiveFeedTest, ItIsFullAtItsLimitAndHasRoomWhenOneGoes) {
  std::vector<std::unique_ptr<io::Stream>> watchers;
  while (!feed.is_full()) watchers.push_back(watch());
  EXPECT_EQ(watchers.size(), LiveFeed::watchers_max);
  watchers.pop_back();
  group.spawn(
      [](io::Engine& on, std::vector<std::unique_ptr<io::Stream>>& all, const LiveFeed& of) -> io::Task<> {
        (void)co_await on.sleep({on.now() + seconds(2), nullptr});
        EXPECT_FALSE(of.is_full());
        all.clear();
      }(engine, watchers, feed));
  engine.run();
}

TEST_F(LiveFeedTest, AtTheEndEverybodyIsToldWhyAndHasASecondToGo) {
  auto polite = watch(), deaf = watch();
  std::string heard;
  group.spawn(read(*polite, never, heard));
  const TimePoint began = engine.now();
  feed.end("the gateway stops");
  engine.run();
  EXPECT_EQ(count(heard, "the gateway stops"), 1U);
  EXPECT_LE(engine.now() - began, seconds(2));
  EXPECT_EQ(group.running(), 0U);
}

}  // namespace
}  // namespace passerelle::admin
