// The whole journey in memory: cut at every byte, and with a clock that jumps, so that a minute's timeout
// takes no time.
#include <gmock/gmock.h>

#include "base/text.h"
#include "io/simulated_engine.h"
#include "proxy/journey_test_support.h"

namespace passerelle::proxy {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::StartsWith;
using testing_support::Journey;
using testing_support::sample_handshake;
using testing_support::sample_switch;

struct Simulation {
  explicit Simulation(std::uint64_t seed, std::size_t chunk = 64 * kibibyte)
      : random(seed), engine(clock, random, {chunk, 256 * kibibyte}) {}
  io::SimulatedClock clock;
  SeededRandom random;
  io::SimulatedEngine engine;
};

io::Task<std::string> head_of(io::Stream& stream, io::StopSource& stop) {
  std::string all;
  while (all.find("\r\n\r\n") == std::string::npos) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) break;
    all += *got;
  }
  co_return all;
}

io::Task<> echo_websocket(io::Stream& stream, io::StopSource& stop) {
  (void)co_await head_of(stream, stop);
  (void)co_await stream.send(sample_switch, {never, &stop});
  for (;;) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) break;
    if (!co_await stream.send(*got, {never, &stop})) break;
  }
  (void)co_await stream.finish({}, {never, &stop});
}

io::Task<> echo_client(Journey& journey, std::size_t size) {
  auto stream = co_await journey.connect();
  // Bytes sent early, behind the handshake in one go, arrive behind the 101.
  const std::string early = std::string(sample_handshake) + "early bytes";
  EXPECT_TRUE(co_await stream->send(early, journey.wait()));
  EXPECT_THAT(co_await journey.read_until(*stream, "early bytes"),
              StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  std::string text;
  for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i) + ",";
  EXPECT_TRUE(co_await stream->finish(text, journey.wait()));
  EXPECT_TRUE(co_await journey.read_until(*stream, "") == text);
}

TEST(Journey, ATunnelCarriesEveryByteInOrderHoweverItIsCut) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Simulation simulation(seed, seed % 3 == 0 ? 1 : seed * 7);
    Journey journey(simulation.engine, simulation.clock, echo_websocket);
    journey.run(echo_client(journey, 20000));
    EXPECT_EQ(journey.worker().counters.tunnels_opened.value(), 1U) << "seed " << seed;
    EXPECT_EQ(journey.worker().counters.tunnels_open.value(), 0U) << "seed " << seed;
  }
}

io::Task<> answer_ok(io::Stream& stream, io::StopSource& stop) {
  while (!(co_await head_of(stream, stop)).empty()) {
    if (!co_await stream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", {never, &stop})) co_return;
  }
}

io::Task<> slow_head(Journey& journey, std::string sent, seconds wanted, std::string answer) {
  auto stream = co_await journey.connect();
  (void)co_await stream->send(sent, journey.wait());
  const TimePoint began = journey.engine().now();
  EXPECT_THAT(co_await journey.read_until(*stream, ""), StartsWith(answer));
  EXPECT_EQ(std::chrono::duration_cast<seconds>(journey.engine().now() - began), wanted);
}

TEST(Journey, AHeadNotCompleteInSixtySecondsIsA408) {
  Simulation simulation(1);
  Journey journey(simulation.engine, simulation.clock, answer_ok);
  journey.run(
      slow_head(journey, "GET / HTTP/1.1\r\nHost: a", seconds(60), "HTTP/1.1 408 Request Timeout\r\n"));
}

io::Task<> trickle(Journey& journey) {
  auto stream = co_await journey.connect();
  const TimePoint began = journey.engine().now();
  // A byte every ten seconds keeps nobody here: the minute counts from the first.
  for (int i = 0; i < 12; ++i) {
    if (!co_await stream->send("G", journey.wait())) break;
    const auto got = co_await stream->receive({journey.engine().now() + seconds(10), journey.wait().stop});
    if (got) {
      EXPECT_THAT(std::string(*got), StartsWith("HTTP/1.1 408 "));
      break;
    }
  }
  EXPECT_EQ(std::chrono::duration_cast<seconds>(journey.engine().now() - began), seconds(60));
}

TEST(Journey, ATrickledHandshakeHasTheSameMinute) {
  Simulation simulation(1);
  Journey journey(simulation.engine, simulation.clock, answer_ok);
  journey.run(trickle(journey));
}

io::Task<> idle_after_one(Journey& journey) {
  auto stream = co_await journey.connect();
  (void)co_await stream->send("GET / HTTP/1.1\r\nHost: a\r\n\r\n", journey.wait());
  EXPECT_THAT(co_await journey.read_until(*stream, "ok"), HasSubstr("200 OK"));
  const TimePoint began = journey.engine().now();
  EXPECT_EQ(co_await journey.read_until(*stream, ""), "");
  EXPECT_EQ(std::chrono::duration_cast<seconds>(journey.engine().now() - began), seconds(75));
}

TEST(Journey, AnIdleKeepAliveEndsAfterSeventyFiveSeconds) {
  Simulation simulation(1);
  Journey journey(simulation.engine, simulation.clock, answer_ok);
  journey.run(idle_after_one(journey));
}

io::Task<> say_nothing(io::Stream& stream, io::StopSource& stop) {
  while (true) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) co_return;
  }
}

TEST(Journey, AMemberThatSaysNothingIsA504AfterTheRequestTimeout) {
  Simulation simulation(1);
  Journey journey(simulation.engine, simulation.clock, say_nothing);
  journey.run(slow_head(journey, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", seconds(20),
                        "HTTP/1.1 504 Gateway Timeout\r\n"));
}

TEST(Journey, ABodyThatStopsIsA408AndNotTheMembersFault) {
  Simulation simulation(1);
  Journey journey(simulation.engine, simulation.clock, say_nothing);
  journey.run(slow_head(journey, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello", seconds(60),
                        "HTTP/1.1 408 Request Timeout\r\n"));
}

io::Task<> answer_at_length(io::Stream& stream, io::StopSource& stop) {
  (void)co_await head_of(stream, stop);
  const std::string answer = "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'y') + "the end";
  (void)co_await stream.finish(answer, {never, &stop});
}

io::Task<> ask_at_length(Journey& journey, std::string sent, std::string wanted) {
  auto stream = co_await journey.connect();
  (void)co_await stream->send(sent, journey.wait());
  EXPECT_THAT(co_await journey.read_until(*stream, wanted), HasSubstr(wanted));
}

TEST(Journey, ABodyLimitIsForRequestsAndAnAnswerMayGoOn) {
  Limits limits;
  limits.body_bytes_max = 1000;
  Simulation simulation(5);
  Journey journey(simulation.engine, simulation.clock, answer_at_length, limits);
  journey.run(ask_at_length(journey, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\r\n0\r\n\r\n"));
  Simulation other(5);
  Journey refused(other.engine, other.clock, say_nothing, limits);
  refused.run(ask_at_length(refused,
                            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
                                std::string(2000, 'x') + "\r\n0\r\n\r\n",
                            "HTTP/1.1 413 Content Too Large"));
}

io::Task<> idle_for_days(Journey& journey) {
  auto stream = co_await journey.connect();
  EXPECT_TRUE(co_await stream->send(sample_handshake, journey.wait()));
  (void)co_await journey.read_until(*stream, "\r\n\r\n");
  (void)co_await journey.engine().sleep(
      {journey.engine().now() + std::chrono::hours(72), journey.wait().stop});
  EXPECT_TRUE(co_await stream->send("still here", journey.wait()));
  EXPECT_EQ(co_await journey.read_until(*stream, "still here"), "still here");
}

TEST(Journey, ATunnelMayBeIdleForDays) {
  Simulation simulation(1);
  Journey journey(simulation.engine, simulation.clock, echo_websocket);
  journey.run(idle_for_days(journey));
}

}  // namespace
}  // namespace passerelle::proxy
