// A stream that has been busy keeps every promise a fresh one makes, on each engine: io_uring hands it what
// it receives and gathers what it sends, and turns back where somebody is slow.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "io/engines_test_support.h"
#include "io/task_group.h"

namespace passerelle::io {
namespace {

using std::chrono::milliseconds;
using testing_support::RingSockets;
using testing_support::Sockets;

struct Watcher final : StreamWatcher {
  void on_readable() override { ++readable; }
  void on_peer_finished() override { ++finished; }
  void on_reset() override { ++reset; }
  int readable = 0, finished = 0, reset = 0;
};

template <class Kind>
class BusyStreamTest : public testing::Test {
 public:
  template <class Function>
  void run(Function function) {
    auto listener = kind.engine.listen(*Endpoint::parse("127.0.0.1:0"), {});
    ASSERT_TRUE(listener);
    group.spawn(with_streams(**listener, function));
    if (!done) kind.engine.run();
    EXPECT_TRUE(done) << "something waits for ever";
  }
  template <class Function>
  Task<> with_streams(Listener& listener, Function function) {
    auto connected = co_await kind.engine.connect(listener.local(), {});
    auto accepted = co_await listener.accept({});
    here = std::move(*connected);
    there = std::move(accepted->stream);
    for (int i = 0; i < 20; ++i) {
      EXPECT_TRUE((co_await here->send("ping", {})).has_value());
      EXPECT_EQ(co_await read(*there, 4), "ping");
      EXPECT_TRUE((co_await there->send("pong", {})).has_value());
      EXPECT_EQ(co_await read(*here, 4), "pong");
    }
    co_await function(*this);
    here.reset();
    there.reset();
    done = true;
    kind.engine.stop();
  }
  static Task<std::string> read(Stream& stream, std::size_t bytes) {
    std::string out;
    while (out.size() < bytes) {
      const auto got = co_await stream.receive({});
      if (!got || got->empty()) break;
      out += *got;
    }
    co_return out;
  }
  static Task<> send_all(Stream& stream, std::string bytes, StopSource& stop, bool& sent) {
    sent = (co_await stream.send(bytes, {never, &stop})).has_value();
  }
  Task<> some_turns() { (void)co_await kind.engine.sleep({kind.engine.now() + milliseconds(20), nullptr}); }

  Kind kind;
  TaskGroup group{kind.engine};
  std::unique_ptr<Stream> here, there;
  bool done = false;
};

using Kinds = testing::Types<Sockets, RingSockets>;
TYPED_TEST_SUITE(BusyStreamTest, Kinds);

TYPED_TEST(BusyStreamTest, WhatNobodyReceivesWaitsAndIsToldOnce) {
  this->run([](auto& test) -> Task<> {
    Watcher watcher;
    test.here->watch(&watcher);
    EXPECT_TRUE((co_await test.there->send("first ", {})).has_value());
    co_await test.some_turns();
    EXPECT_GE(watcher.readable, 1);
    EXPECT_FALSE(test.here->quiet());
    EXPECT_FALSE(test.here->seems_quiet());
    EXPECT_TRUE((co_await test.there->finish("second", {})).has_value());
    co_await test.some_turns();
    EXPECT_EQ(co_await test.read(*test.here, 12), "first second");
    const auto end = co_await test.here->receive({});
    EXPECT_TRUE(end && end->empty());
    test.here->watch(nullptr);
  });
}

TYPED_TEST(BusyStreamTest, TheEndAndAResetAreToldToWhoWatches) {
  this->run([](auto& test) -> Task<> {
    Watcher watcher;
    test.here->watch(&watcher);
    EXPECT_TRUE((co_await test.there->finish({}, {})).has_value());
    co_await test.some_turns();
    EXPECT_EQ(watcher.finished, 1);
    EXPECT_EQ(watcher.reset, 0);
    // It still takes what we say, and then is gone.
    EXPECT_TRUE((co_await test.here->send("more", {})).has_value());
    EXPECT_EQ(co_await test.read(*test.there, 4), "more");
    test.there->reset_on_close();
    test.there.reset();
    co_await test.some_turns();
    EXPECT_EQ(watcher.reset, 1);
    test.here->watch(nullptr);
  });
}

TYPED_TEST(BusyStreamTest, AResetComesBehindWhatWasSentBeforeIt) {
  this->run([](auto& test) -> Task<> {
    EXPECT_TRUE((co_await test.here->send("unread", {})).has_value());
    EXPECT_TRUE((co_await test.there->send("last words", {})).has_value());
    co_await test.some_turns();
    test.there->reset_on_close();
    test.there.reset();
    const auto words = co_await test.here->receive({});
    const auto end = words && !words->empty() ? co_await test.here->receive({}) : words;
    EXPECT_FALSE(end.has_value());
  });
}

TYPED_TEST(BusyStreamTest, AFrozenStreamGivesWhatNobodyHasReadAndReadsItItselfAfterTheThaw) {
  this->run([](auto& test) -> Task<> {
    EXPECT_TRUE((co_await test.there->send("word", {})).has_value());
    co_await test.some_turns();
    const auto frozen = test.here->freeze();
    std::string seen(frozen.unread);
    std::array<char, 16> rest{};
    const ssize_t in_kernel = ::recv(frozen.descriptor, rest.data(), rest.size(), MSG_PEEK | MSG_DONTWAIT);
    if (in_kernel > 0) seen.append(rest.data(), static_cast<std::size_t>(in_kernel));
    EXPECT_EQ(seen, "word");
    EXPECT_TRUE((co_await test.there->send("meanwhile", {})).has_value());
    co_await test.some_turns();
    test.here->thaw();
    EXPECT_EQ(co_await test.read(*test.here, 13), "wordmeanwhile");
  });
}

TYPED_TEST(BusyStreamTest, ASendThatIsUnderWayAtAFreezeIsSentOnceAndEndsAfterTheThaw) {
  this->run([](auto& test) -> Task<> {
    bool sent = false;
    StopSource stop;
    test.group.spawn(test.send_all(*test.here, "under way", stop, sent));
    const auto frozen = test.here->freeze();
    EXPECT_EQ(frozen.unsent, "");
    EXPECT_EQ(co_await test.read(*test.there, 9), "under way");
    test.here->thaw();
    co_await test.some_turns();
    EXPECT_TRUE(sent);
    EXPECT_TRUE((co_await test.here->send("after", {})).has_value());
    EXPECT_EQ(co_await test.read(*test.there, 5), "after");
  });
}

TYPED_TEST(BusyStreamTest, WhatIsSentBehindACancelledSendDoesNotOvertakeIt) {
  this->run([](auto& test) -> Task<> {
    bool sent = true;
    StopSource stop;
    test.group.spawn(test.send_all(*test.here, "first ", stop, sent));
    stop.request_stop();
    EXPECT_TRUE((co_await test.here->finish("second", {})).has_value());
    const std::string got = co_await test.read(*test.there, 100);
    EXPECT_TRUE(got == "first second" || got == "second") << got;
  });
}

TYPED_TEST(BusyStreamTest, WhatWasSentArrivesThoughTheStreamIsDestroyedInTheSameTurn) {
  this->run([](auto& test) -> Task<> {
    EXPECT_TRUE((co_await test.here->send("goodbye", {})).has_value());
    test.here.reset();
    EXPECT_EQ(co_await test.read(*test.there, 100), "goodbye");
  });
}

TYPED_TEST(BusyStreamTest, WhoReadsNothingStopsTheSenderAndLosesNothing) {
  this->run([](auto& test) -> Task<> {
    std::string large;
    while (large.size() < 32 * mebibyte) large += "a piece of " + std::to_string(large.size()) + " bytes; ";
    bool sent = false;
    StopSource stop;
    TaskGroup sending(test.kind.engine);
    sending.spawn(test.send_all(*test.there, large, stop, sent));
    co_await test.some_turns();
    EXPECT_FALSE(sent);
    EXPECT_TRUE(co_await test.read(*test.here, large.size()) == large);
    co_await sending.join();
    EXPECT_TRUE(sent);
    EXPECT_TRUE((co_await test.here->send("all of it", {})).has_value());
    EXPECT_EQ(co_await test.read(*test.there, 9), "all of it");
  });
}

// Numbered bytes in pieces of any length, with pauses on either side.
Task<> write_pattern(Stream& stream, Engine& engine, std::uint64_t seed, std::size_t total) {
  SeededRandom random(seed);
  std::string piece;
  for (std::size_t written = 0; written < total;) {
    const std::size_t most = random.next() % 8 == 0 ? 100'000 : 200;
    const std::size_t size = std::min(total - written, 1 + static_cast<std::size_t>(random.next() % most));
    piece.clear();
    for (std::size_t i = 0; i < size; ++i) piece += static_cast<char>((written + i) * 31 % 251);
    EXPECT_TRUE((co_await stream.send(piece, {})).has_value());
    written += size;
    if (random.next() % 4 == 0) co_await engine.yield();
  }
}

Task<> read_pattern(Stream& stream, Engine& engine, std::uint64_t seed, std::size_t total, bool& right) {
  SeededRandom random(seed);
  for (std::size_t read = 0; read < total;) {
    const bool little = random.next() % 64 == 0;
    const auto got = co_await stream.receive({}, little ? 100 : ReceiveOperation::all);
    if (!got || got->empty()) co_return;
    for (const char byte : *got) {
      if (byte != static_cast<char>(read++ * 31 % 251)) co_return;
    }
    const auto pause = random.next() % 512;
    if (pause == 0) (void)co_await engine.sleep({engine.now() + milliseconds(1), nullptr});
    if (pause < 64) co_await engine.yield();
  }
  right = true;
}

TYPED_TEST(BusyStreamTest, EveryByteArrivesInItsPlaceBothWaysHoweverFastEitherSideIs) {
  this->run([](auto& test) -> Task<> {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      constexpr std::size_t total = 300'000;
      bool right_there = false, right_here = false;
      TaskGroup all(test.kind.engine);
      all.spawn(write_pattern(*test.here, test.kind.engine, seed, total));
      all.spawn(read_pattern(*test.there, test.kind.engine, seed + 100, total, right_there));
      all.spawn(write_pattern(*test.there, test.kind.engine, seed + 200, total));
      all.spawn(read_pattern(*test.here, test.kind.engine, seed + 300, total, right_here));
      co_await all.join();
      EXPECT_TRUE(right_there && right_here) << "seed " << seed;
      if (!right_there || !right_here) co_return;
    }
  });
}

}  // namespace
}  // namespace passerelle::io
