// HTTP/2 connections whose client is slow to take, gives room in its own way, or lets time pass.
#include "http/http2_connection_test_support.h"

namespace passerelle::http {
namespace {

using namespace testing_support;
using passerelle::testing_support::Memory;
using Clogged = passerelle::testing_support::MemoryOf<65'536, 20'000>;
using Wide = passerelle::testing_support::MemoryOf<65'536, 400'000>;

// --- a client that is slow to take ---

class Http2ConnectionClogged : public Http2ConnectionTest<Clogged> {
 public:
  // Windows in which there is always room, so that only the way out is narrow.
  io::Task<> open_wide() {
    co_await connect();
    co_await send(h2::frame(h2::settings, 0, 0, h2::number(4, 2) + h2::number(100'000'000, 4)) +
                  h2::frame(h2::window_update, 0, 0, h2::number(100'000'000, 4)));
  }
  io::Task<> pause(int for_seconds) {
    (void)co_await kind.engine.sleep({kind.engine.now() + seconds(for_seconds), nullptr});
  }
  std::vector<std::string> log;
  io::StopSource calls_off;
  std::size_t served = 0;
};

// Its send is called off; the stream lives on for some turns, as where a group is joined.
io::Task<> pour_and_dally(std::unique_ptr<Http2Stream> stream, io::StopSource& stop) {
  MessageHead head;
  head.set_response(200, "");
  stream->send_head(head, false);
  const std::string bytes(1'000'000, 'x');
  (void)co_await stream->send(bytes, {never, &stop});
  for (int i = 0; i < 4; ++i) co_await stream->engine().yield();
}

io::Task<> answer_bare(std::unique_ptr<Http2Stream> stream) {
  MessageHead head;
  head.set_response(204, "");
  stream->send_head(head, true);
  co_return;
}

TEST_F(Http2ConnectionClogged, ASendCalledOffWithItsFrameBegunTakesItsStreamAndNoOther) {
  io::Signal let_go(kind.engine);
  serve = [&](std::unique_ptr<Http2Stream> stream) {
    return ++served == 1 ? pour_and_dally(std::move(stream), calls_off)
                         : hold(std::move(stream), served, let_go);
  };
  struct Test {
    static io::Task<> run(Http2ConnectionClogged& t, io::Signal& let_go) {
      co_await t.open_wide();
      co_await t.ask(1, h2::request("GET", "/"));
      co_await t.ask(3, h2::request("GET", "/"));
      co_await t.pause(1);
      let_go.notify();
      t.calls_off.request_stop();
      EXPECT_EQ((co_await t.next(h2::rst_stream)).stream, 1U);
      co_await t.answered_ping();
    }
  };
  run(Test::run(*this, let_go));
}

TEST_F(Http2ConnectionClogged, AStopWithFramesWaitingAsksNoStreamThatIsGone) {
  io::Signal go_on(kind.engine);
  serve = [&](std::unique_ptr<Http2Stream> stream) -> io::Task<> {
    struct Late {
      static io::Task<> pour(std::unique_ptr<Http2Stream> stream, io::Signal& go_on) {
        MessageHead head;
        head.set_response(200, "");
        stream->send_head(head, false);
        co_await go_on.wait();
        const std::string bytes(1'000'000, 'x');
        (void)co_await stream->send(bytes, {});
      }
    };
    return Late::pour(std::move(stream), go_on);
  };
  struct Test {
    static io::Task<> run(Http2ConnectionClogged& t, io::Signal& go_on) {
      co_await t.open_wide();
      co_await t.ask(1, h2::request("GET", "/"));
      co_await t.answered_ping();
      co_await t.pause(1);
      go_on.notify();
      t.stop.request_stop();
      (void)co_await t.next(h2::go_away);
    }
  };
  run(Test::run(*this, go_on));
}

TEST_F(Http2ConnectionClogged, WhatAGoawayDisownsIsNotServed) {
  limits.h2_farewell = seconds(0);
  serve = [&](std::unique_ptr<Http2Stream> stream) {
    return ++served == 1 ? pour(std::move(stream), 1'000'000, {}, log) : listen_to(std::move(stream), log);
  };
  struct Test {
    static io::Task<> run(Http2ConnectionClogged& t) {
      co_await t.open_wide();
      co_await t.ask(1, h2::request("GET", "/"));
      co_await t.pause(1);
      t.draining.request_stop();
      co_await t.pause(2);
      co_await t.ask(3, h2::request("POST", "/"), false);
      co_await t.pause(1);
      (void)co_await t.next(h2::go_away);
      EXPECT_EQ((co_await t.next(h2::go_away)).payload.substr(0, 4), h2::number(1, 4));
    }
  };
  run(Test::run(*this));
  EXPECT_EQ(served, 1U);
}

TEST_F(Http2ConnectionClogged, AnEarlyAnswerWithoutABodyIsNotOvertakenByItsReset) {
  serve = [&](std::unique_ptr<Http2Stream> stream) {
    return ++served <= 2 ? pour(std::move(stream), 1'000'000, {}, log) : answer_bare(std::move(stream));
  };
  struct Test {
    static io::Task<> run(Http2ConnectionClogged& t) {
      co_await t.open_wide();
      co_await t.ask(1, h2::request("GET", "/"));
      co_await t.pause(1);
      co_await t.ask(3, h2::request("GET", "/"));
      co_await t.pause(1);
      co_await t.ask(5, h2::request("PUT", "/"), false);
      co_await t.pause(1);
      h2::Frame frame;
      do frame = co_await t.next(h2::headers);
      while (frame.type == h2::headers && frame.stream != 5);
      EXPECT_EQ(frame.stream, 5U);
      EXPECT_NE(frame.flags & h2::end_stream, 0);
      frame = co_await t.next(h2::rst_stream);
      EXPECT_EQ(frame.stream, 5U);
      EXPECT_EQ(frame.payload, h2::number(0, 4)) << "NO_ERROR";
    }
  };
  run(Test::run(*this));
}

TEST_F(Http2ConnectionClogged, AClientThatTookNothingWhileATunnelWasOpenLosesTheConnectionAfterIt) {
  serve = [&](std::unique_ptr<Http2Stream> stream) -> io::Task<> {
    struct Tunnel {
      static io::Task<> pour(std::unique_ptr<Http2Stream> stream) {
        MessageHead head;
        head.set_response(101, "");
        stream->send_head(head, false);
        stream->become_tunnel();
        const std::string bytes(1'000'000, 'x');
        (void)co_await stream->send(bytes, {stream->engine().now() + seconds(5'000), nullptr});
      }
    };
    return Tunnel::pour(std::move(stream));
  };
  struct Test {
    static io::Task<> run(Http2ConnectionClogged& t) {
      co_await t.open_wide();
      co_await t.ask(1, h2::websocket(), false);
      co_await t.pause(4'000);
      EXPECT_FALSE(t.ended) << "a tunnel may wait";
      while (!t.ended) co_await t.pause(1);
    }
  };
  const TimePoint began = kind.engine.now();
  run(Test::run(*this));
  EXPECT_LT(kind.engine.now() - began, seconds(5'200));
}

// --- accounts ---

class Http2ConnectionAccounts : public Http2ConnectionTest<Wide> {
 public:
  std::vector<std::string> log;
};

TEST_F(Http2ConnectionAccounts, BytesThatComeWithTheirResetAreGivenBack) {
  serve = [&](std::unique_ptr<Http2Stream> stream) { return listen_to(std::move(stream), log); };
  struct Test {
    static io::Task<> run(Http2ConnectionAccounts& t) {
      co_await t.connect();
      const std::string bytes(16'000, 'x');
      for (std::uint32_t id = 1; id < 400; id += 2) {
        co_await t.ask(id, h2::request("POST", "/"), false);
        co_await t.answered_ping();
        co_await t.send(h2::frame(h2::data, 0, id, bytes) +
                        h2::frame(h2::rst_stream, 0, id, h2::number(8, 4)));
      }
      co_await t.answered_ping();
    }
  };
  run(Test::run(*this));
  EXPECT_FALSE(broke) << "three times the connection's window came, and all of it was read";
}

TEST_F(Http2ConnectionAccounts, WhatIsOnItsWayToAStreamWeResetIsBorneHoweverManyWereReset) {
  io::StopSource stop_all;
  serve = [&](std::unique_ptr<Http2Stream> stream) -> io::Task<> {
    struct Reset {
      static io::Task<> later(std::unique_ptr<Http2Stream> stream, io::StopSource& stop_all) {
        MessageHead head;
        head.set_response(101, "");
        stream->send_head(head, false);
        stream->become_tunnel();
        (void)co_await stream->receive({never, &stop_all});
        stream->reset_on_close();
      }
    };
    return Reset::later(std::move(stream), stop_all);
  };
  struct Test {
    static io::Task<> run(Http2ConnectionAccounts& t, io::StopSource& stop_all) {
      co_await t.connect();
      for (std::uint32_t id = 1; id < 600; id += 2) co_await t.ask(id, h2::websocket(), false);
      co_await t.answered_ping();
      stop_all.request_stop();
      for (int i = 0; i < 300; ++i) (void)co_await t.next(h2::rst_stream);
      for (std::uint32_t id = 1; id < 600; id += 2) co_await t.send(h2::frame(h2::data, 0, id, "on its way"));
      co_await t.answered_ping();
    }
  };
  run(Test::run(*this, stop_all));
  EXPECT_FALSE(broke);
}

TEST_F(Http2ConnectionAccounts, WhatIsOnItsWayToAStreamThatBrokeTheProtocolIsBorne) {
  serve = echo;
  struct Test {
    static io::Task<> run(Http2ConnectionAccounts& t) {
      co_await t.connect();
      co_await t.ask(1, h2::request("POST", "/", {{"connection", "x"}}), false);
      EXPECT_EQ((co_await t.next(h2::rst_stream)).stream, 1U);
      co_await t.send(h2::frame(h2::data, 0, 1, "on its way"));
      co_await t.answered_ping();
    }
  };
  run(Test::run(*this));
  EXPECT_FALSE(broke);
}

// Reads a body of that size, giving room back as `policy` says for the bytes taken since.
template <class Policy>
io::Task<std::size_t> download(Http2ConnectionAccounts& t, std::uint32_t stream, std::size_t size,
                               Policy policy) {
  std::size_t got = 0, pending = 0;
  while (got < size) {
    const auto frame = co_await t.next(h2::data);
    if (frame.type != h2::data) break;
    got += frame.payload.size();
    pending += frame.payload.size();
    std::string updates;
    for (std::size_t room = policy(pending); room > 0; room = policy(pending)) {
      pending -= room;
      for (const std::uint32_t of : {0U, stream})
        updates += h2::frame(h2::window_update, 0, of, h2::number(static_cast<std::uint32_t>(room), 4));
    }
    if (!updates.empty()) co_await t.send(updates);
  }
  co_return got;
}

TEST_F(Http2ConnectionAccounts, AClientThatGivesRoomInSmallPiecesIsNoFlood) {
  serve = [&](std::unique_ptr<Http2Stream> stream) { return pour(std::move(stream), 30'000'000, {}, log); };
  struct Test {
    static io::Task<> run(Http2ConnectionAccounts& t) {
      co_await t.connect();
      co_await t.ask(1, h2::request("GET", "/"));
      const auto by_kibibytes = [](std::size_t pending) { return pending >= 1024 ? std::size_t{1024} : 0; };
      EXPECT_EQ(co_await download(t, 1, 30'000'000, by_kibibytes), 30'000'000U);
    }
  };
  run(Test::run(*this));
}

TEST_F(Http2ConnectionAccounts, AClientThatGivesRoomBackAtHalfIsServedBesideAQuietStream) {
  serve = [&](std::unique_ptr<Http2Stream> stream) {
    return stream->websocket() ? echo(std::move(stream)) : pour(std::move(stream), 300'000, {}, log);
  };
  struct Test {
    static io::Task<> run(Http2ConnectionAccounts& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      co_await t.ask(3, h2::request("GET", "/"));
      // As Netty: when no more than half of 65,535, rounded down, is left.
      const auto at_half = [](std::size_t pending) { return 65'535 - pending <= 32'767 ? pending : 0; };
      EXPECT_EQ(co_await download(t, 3, 300'000, at_half), 300'000U);
    }
  };
  run(Test::run(*this));
}

// --- time ---

class Http2ConnectionTime : public Http2ConnectionTest<Memory> {
 protected:
  double seconds_until_the_end(io::Task<> task) {
    const TimePoint began = kind.engine.now();
    run(std::move(task));
    return std::chrono::duration<double>(kind.engine.now() - began).count();
  }
  static io::Task<> wait_for_the_end(Http2ConnectionTime& t, std::string bytes) {
    co_await t.connect();
    co_await t.send(std::move(bytes));
    EXPECT_EQ((co_await t.next(h2::go_away)).type, h2::go_away);
    while (!t.ended) co_await t.kind.engine.yield();
  }
};

TEST_F(Http2ConnectionTime, AClientThatOpensNothingIsLeftAfterTheIdleTimeout) {
  serve = echo;
  EXPECT_NEAR(seconds_until_the_end(wait_for_the_end(*this, "")), 180, 1);
}

TEST_F(Http2ConnectionTime, IdleTimeCountsFromTheLastStreamsEnd) {
  serve = echo;
  struct Test {
    static io::Task<> run(Http2ConnectionTime& t) {
      co_await t.connect();
      co_await t.ask(1, h2::websocket(), false);
      (void)co_await t.kind.engine.sleep({t.kind.engine.now() + seconds(10'000), nullptr});
      co_await t.send(h2::frame(h2::data, h2::end_stream, 1, "x"));
      EXPECT_EQ(co_await t.body(4), "xbye");
      EXPECT_EQ((co_await t.next(h2::go_away)).type, h2::go_away);
    }
  };
  EXPECT_NEAR(seconds_until_the_end(Test::run(*this)), 10'180, 1);
}

TEST_F(Http2ConnectionTime, AHeadThatNeverEndsHasTheHeadTimeout) {
  serve = echo;
  EXPECT_NEAR(seconds_until_the_end(
                  wait_for_the_end(*this, h2::frame(h2::headers, 0, 1, h2::head(h2::request("GET", "/"))))),
              60, 1);
}

TEST_F(Http2ConnectionTime, AClientThatReadsNothingLosesTheConnection) {
  std::vector<std::string> log;
  serve = [&](std::unique_ptr<Http2Stream> stream) { return pour(std::move(stream), 1'000'000, {}, log); };
  struct Test {
    static io::Task<> run(Http2ConnectionTime& t) {
      co_await t.connect();
      co_await t.send(h2::frame(h2::settings, 0, 0, h2::number(4, 2) + h2::number(10'000'000, 4)) +
                      h2::frame(h2::window_update, 0, 0, h2::number(10'000'000, 4)));
      co_await t.ask(1, h2::request("GET", "/"));
      while (!t.ended) (void)co_await t.kind.engine.sleep({t.kind.engine.now() + seconds(1), nullptr});
    }
  };
  EXPECT_NEAR(seconds_until_the_end(Test::run(*this)), 60, 2);
  EXPECT_EQ(log, std::vector<std::string>{"connection reset"});
}

}  // namespace
}  // namespace passerelle::http
