// Streams of an HTTP/2 connection as streams: over memory that is cut anywhere, and over real sockets.
#include "http/http2_connection_test_support.h"

namespace passerelle::http {
namespace {

using namespace testing_support;
using passerelle::testing_support::Memory;
using passerelle::testing_support::RingSockets;
using passerelle::testing_support::SingleBytes;
using passerelle::testing_support::Sockets;

using Kinds = testing::Types<Sockets, RingSockets, Memory, SingleBytes>;
TYPED_TEST_SUITE(Http2ConnectionTest, Kinds);

TYPED_TEST(Http2ConnectionTest, CarriesBytesBothWaysAndBothEnds) {
  this->serve = echo;
  struct Test {
    static io::Task<> run(TestFixture& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      EXPECT_EQ((co_await t.next(h2::headers)).stream, 1U);
      std::string sent;
      for (int i = 0; i < 5; ++i) {
        const std::string piece(9000, static_cast<char>('a' + i));
        sent += piece;
        co_await t.send(h2::frame(h2::data, i == 4 ? h2::end_stream : 0, 1, piece));
      }
      EXPECT_EQ(co_await t.body(sent.size() + 3), sent + "bye");
    }
  };
  this->run(Test::run(*this));
}

TYPED_TEST(Http2ConnectionTest, ASendEndsWhenTheWindowHasTakenAllOfIt) {
  std::vector<std::string> log;
  this->serve = [&](std::unique_ptr<Http2Stream> stream) {
    return pour(std::move(stream), 100'000, {}, log);
  };
  struct Test {
    static io::Task<> run(TestFixture& t, const std::vector<std::string>& log) {
      co_await t.connect();
      co_await t.ask(1, h2::request("GET", "/"));
      EXPECT_EQ((co_await t.body(65'535)).size(), 65'535U);
      EXPECT_TRUE(log.empty());
      co_await t.send(h2::frame(h2::window_update, 0, 0, h2::number(50'000, 4)) +
                      h2::frame(h2::window_update, 0, 1, h2::number(50'000, 4)));
      EXPECT_EQ((co_await t.body(34'465)).size(), 34'465U);
      while (log.empty()) co_await t.kind.engine.yield();
      EXPECT_EQ(log, std::vector<std::string>{"sent"});
    }
  };
  this->run(Test::run(*this, log));
}

TYPED_TEST(Http2ConnectionTest, ASendThatIsCalledOffResetsItsStreamAndNothingElse) {
  std::vector<std::string> log;
  this->serve = [&](std::unique_ptr<Http2Stream> stream) {
    if (stream->websocket()) return echo(std::move(stream));
    return pour(std::move(stream), 100'000,
                {this->kind.engine.now() + std::chrono::milliseconds(50), nullptr}, log);
  };
  struct Test {
    static io::Task<> run(TestFixture& t, const std::vector<std::string>& log) {
      co_await t.connect();
      co_await t.ask(1, h2::request("GET", "/"));
      EXPECT_EQ((co_await t.next(h2::rst_stream)).payload, h2::number(2, 4));
      EXPECT_EQ(log, std::vector<std::string>{"timed out"});
      co_await t.send(h2::frame(h2::window_update, 0, 0, h2::number(65'535, 4)));
      co_await t.ask(3, h2::websocket(), false);
      co_await t.send(h2::frame(h2::data, 0, 3, "still here"));
      EXPECT_EQ(co_await t.body(10), "still here");
    }
  };
  this->run(Test::run(*this, log));
}

TYPED_TEST(Http2ConnectionTest, AResetReachesWhoReceivesBehindWhatCameBeforeIt) {
  std::vector<std::string> log;
  this->serve = [&](std::unique_ptr<Http2Stream> stream) { return listen_to(std::move(stream), log); };
  struct Test {
    static io::Task<> run(TestFixture& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      co_await t.answered_ping();
      co_await t.send(h2::frame(h2::data, 0, 1, "last"));
      co_await t.send(h2::frame(h2::rst_stream, 0, 1, h2::number(8, 4)));
      co_await t.answered_ping();
    }
  };
  this->run(Test::run(*this));
  EXPECT_EQ(log, (std::vector<std::string>{"last", "connection reset"}));
}

TYPED_TEST(Http2ConnectionTest, TheConnectionsEndReachesEveryStream) {
  std::vector<std::string> log;
  this->serve = [&](std::unique_ptr<Http2Stream> stream) {
    return stream->websocket() ? listen_to(std::move(stream), log)
                               : pour(std::move(stream), 100'000, {}, log);
  };
  struct Test {
    static io::Task<> run(TestFixture& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      co_await t.ask(3, h2::request("GET", "/"));
      (void)co_await t.body(100);
    }
  };
  this->run(Test::run(*this));
  EXPECT_EQ(log, (std::vector<std::string>{"connection reset", "connection reset"}));
}

TYPED_TEST(Http2ConnectionTest, AStopEndsItAndSaysSo) {
  std::vector<std::string> log;
  this->serve = [&](std::unique_ptr<Http2Stream> stream) { return listen_to(std::move(stream), log); };
  struct Test {
    static io::Task<> run(TestFixture& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      co_await t.answered_ping();
      t.stop.request_stop();
      EXPECT_EQ((co_await t.next(h2::go_away)).payload.substr(4, 4), h2::number(0, 4));
    }
  };
  this->run(Test::run(*this));
  EXPECT_EQ(log, std::vector<std::string>{"connection reset"});
}

TYPED_TEST(Http2ConnectionTest, RequestsBeyondTheirNumberWaitTheirTurnAndWebSocketsDoNot) {
  std::size_t held = 0;
  io::Signal let_go(this->kind.engine);
  std::size_t tunnels = 0;
  this->limits.h2_requests_at_once_max = 2;
  this->serve = [&](std::unique_ptr<Http2Stream> stream) {
    if (!stream->websocket() && held == 0) return hold(std::move(stream), held, let_go);
    if (stream->websocket()) ++tunnels;
    return echo(std::move(stream));
  };
  struct Test {
    static io::Task<> run(TestFixture& t, io::Signal& let_go, const std::size_t& tunnels) {
      co_await t.connect();
      for (const std::uint32_t id : {1U, 3U}) co_await t.ask(id, h2::request("POST", "/"), false);
      EXPECT_EQ((co_await t.next(h2::headers)).stream, 3U);
      co_await t.ask(5, h2::request("GET", "/"));
      co_await t.ask(7, h2::websocket(), false);
      EXPECT_EQ((co_await t.next(h2::headers)).stream, 7U) << "the fifth waits";
      EXPECT_EQ(tunnels, 1U);
      let_go.notify();
      EXPECT_EQ((co_await t.next(h2::headers)).stream, 1U);
      EXPECT_EQ((co_await t.next(h2::headers)).stream, 5U);
    }
  };
  this->run(Test::run(*this, let_go, tunnels));
}

TYPED_TEST(Http2ConnectionTest, DrainingLetsWhatIsOpenEndAndThenTheConnection) {
  this->serve = echo;
  this->limits.h2_farewell = seconds(0);
  struct Test {
    static io::Task<> run(TestFixture& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      (void)co_await t.next(h2::headers);
      t.draining.request_stop();
      EXPECT_EQ((co_await t.next(h2::go_away)).payload.substr(0, 4), h2::number(0x7fffffff, 4))
          << "announced";
      EXPECT_EQ((co_await t.next(h2::go_away)).payload.substr(0, 4), h2::number(1, 4));
      co_await t.send(h2::frame(h2::data, h2::end_stream, 1, "x"));
      EXPECT_EQ(co_await t.body(4), "xbye");
      while (!t.ended) co_await t.kind.engine.yield();
    }
  };
  this->run(Test::run(*this));
}

}  // namespace
}  // namespace passerelle::http
