// A stream that has been busy keeps every promise a fresh one makes, on each engine: io_uring hands it what
// it receives and gathers what it sends, and turns back where somebody is slow.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "io/descriptor_limit.h"
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
    door = &listener;
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
  Listener* door = nullptr;
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

// A sender's bytes need only live until it suspends: here the next one writes over them.
Task<> send_from_one_buffer(Stream& stream, std::string& buffer, int messages, StopSource& stop) {
  for (int i = 0; i < messages; ++i) {
    buffer.assign(1000, static_cast<char>('a' + i % 23));
    if (!co_await stream.send(buffer, {never, &stop})) co_return;
  }
}

Task<> overwrite(std::string& buffer, Engine& engine, const bool& done) {
  while (!done) {
    buffer.assign(1000, '!');
    co_await engine.yield();
  }
}

TYPED_TEST(BusyStreamTest, WhatASlowPeerWillNotTakeIsKeptByTheStreamAndNotByWhoeverSentIt) {
  this->run([](auto& test) -> Task<> {
    constexpr int messages = 20'000;
    std::string buffer;
    bool over = false;
    TaskGroup all(test.kind.engine);
    all.spawn(send_from_one_buffer(*test.here, buffer, messages, all.stop_source()));
    all.spawn(overwrite(buffer, test.kind.engine, over));
    (void)co_await test.kind.engine.sleep({test.kind.engine.now() + milliseconds(50), nullptr});
    const std::string came = co_await test.read(*test.there, messages * 1000);
    over = true;
    co_await all.join();
    EXPECT_EQ(came.size(), messages * 1000U);
    for (int i = 0; i < messages; ++i) {
      if (came.compare(static_cast<std::size_t>(i) * 1000, 1000,
                       std::string(1000, static_cast<char>('a' + i % 23))) != 0) {
        ADD_FAILURE() << "message " << i;
        break;
      }
    }
  });
}

// At once, whatever the engine has gathered.
void reset_now(const Stream& stream) {
  const sockaddr nobody{.sa_family = AF_UNSPEC, .sa_data = {}};
  EXPECT_EQ(::connect(stream.writable_descriptor(), &nobody, sizeof nobody), 0);
}

Task<> echo_and_wait(Stream& from, Stream& to, Engine& engine, StopSource& stop) {
  for (;;) {
    const auto got = co_await from.receive({never, &stop});
    if (!got || got->empty()) break;
    (void)co_await to.send(*got, {never, &stop});
  }
  for (int i = 0; i < 3; ++i) co_await engine.yield();
}

TYPED_TEST(BusyStreamTest, AResetBehindBytesThatAreBeingAnsweredIsAnErrorAndNoMore) {
  this->run([](auto& test) -> Task<> {
    TaskGroup all(test.kind.engine);
    all.spawn(echo_and_wait(*test.here, *test.here, test.kind.engine, all.stop_source()));
    co_await test.some_turns();
    EXPECT_EQ(::send(test.there->writable_descriptor(), "never read", 10, 0), 10);
    reset_now(*test.there);
    co_await all.join();
  });
}

TYPED_TEST(BusyStreamTest, AResetThatASendMeetsIsAResetForWhoReceivesToo) {
  this->run([](auto& test) -> Task<> {
    bool sent = true;
    StopSource stop;
    test.group.spawn(test.send_all(*test.here, "hello", stop, sent));
    reset_now(*test.there);
    co_await test.some_turns();
    Result<BytesView> got;
    do got = co_await test.here->receive({});
    while (got && !got->empty());
    EXPECT_FALSE(got.has_value()) << "a reset is no orderly end";
  });
}

TYPED_TEST(BusyStreamTest, AResetThatPassingOnMeetsIsAResetForWhoReceivesFromThereToo) {
  this->run([](auto& test) -> Task<> {
    auto source = co_await test.kind.engine.connect(test.door->local(), {});
    auto from = co_await test.door->accept({});
    EXPECT_TRUE((co_await (*source)->send(std::string(100'000, 'x'), {})).has_value());
    (void)co_await from->stream->receive({});
    co_await test.some_turns();
    reset_now(*test.there);
    (void)from->stream->pass_on(*test.here, 50'000);
    Result<BytesView> got;
    do got = co_await test.here->receive({});
    while (got && !got->empty());
    EXPECT_FALSE(got.has_value()) << "a reset is no orderly end";
  });
}

// Fills both directions, so that neither says that it is ready.
TYPED_TEST(BusyStreamTest, WhatCameBeforeAFreezeIsToldAfterTheThawThoughThePeerReadsNothing) {
  this->run([](auto& test) -> Task<> {
    bool sent = false;
    TaskGroup sending(test.kind.engine);
    EXPECT_TRUE((co_await test.there->send("word", {})).has_value());
    co_await test.some_turns();
    sending.spawn(test.send_all(*test.here, std::string(16 * mebibyte, 'x'), sending.stop_source(), sent));
    co_await test.some_turns();
    Watcher watcher;
    test.here->watch(&watcher);
    (void)test.here->freeze();
    const int told_before = watcher.readable;
    test.here->thaw();
    co_await test.some_turns();
    EXPECT_GT(watcher.readable, told_before);
    EXPECT_EQ(co_await test.read(*test.here, 4), "word");
    sending.stop();
    co_await sending.join();
    test.here->watch(nullptr);
  });
}

TYPED_TEST(BusyStreamTest, AResetIsToldOnceAndAnEndThatWasHeardIsNotQuiet) {
  this->run([](auto& test) -> Task<> {
    Watcher watcher;
    test.here->watch(&watcher);
    EXPECT_TRUE(test.here->seems_quiet());
    test.there->reset_on_close();
    test.there.reset();
    co_await test.some_turns();
    EXPECT_EQ(watcher.reset, 1);
    EXPECT_EQ(watcher.finished, 0);
    EXPECT_FALSE(test.here->seems_quiet());
    EXPECT_FALSE(test.here->quiet());
    test.here->watch(nullptr);
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
    // Who looks at what comes next means to pass it on.
    if (std::array<char, 5> next{}; random.next() % 64 == 0) {
      for (const char byte : stream.peek({next.data(), next.size()})) {
        if (byte != static_cast<char>(read * 31 % 251)) co_return;
        break;
      }
    }
    const auto got = co_await stream.receive({});
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

// While a freeze and a thaw come in between at any moment: nothing is lost, doubled or out of place.
Task<> freeze_now_and_then(Stream& stream, Engine& engine, std::uint64_t seed, const bool& done) {
  SeededRandom random(seed);
  while (!done) {
    if (stream.can_freeze()) {
      (void)stream.freeze();
      if (random.next() % 2 == 0) co_await engine.yield();
      stream.thaw();
    }
    for (auto turns = random.next() % 16; turns > 0; --turns) co_await engine.yield();
  }
}

Task<> set_when_over(Task<> task, bool& over) {
  co_await std::move(task);
  over = true;
}

TYPED_TEST(BusyStreamTest, EveryByteArrivesInItsPlaceThoughTheStreamIsFrozenNowAndThen) {
  this->run([](auto& test) -> Task<> {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      constexpr std::size_t total = 200'000;
      bool right_there = false, right_here = false, over_there = false, over_here = false;
      TaskGroup all(test.kind.engine);
      all.spawn(write_pattern(*test.here, test.kind.engine, seed, total));
      all.spawn(set_when_over(read_pattern(*test.there, test.kind.engine, seed + 100, total, right_there),
                              over_there));
      all.spawn(write_pattern(*test.there, test.kind.engine, seed + 200, total));
      all.spawn(set_when_over(read_pattern(*test.here, test.kind.engine, seed + 300, total, right_here),
                              over_here));
      all.spawn(freeze_now_and_then(*test.here, test.kind.engine, seed + 400, over_here));
      all.spawn(freeze_now_and_then(*test.there, test.kind.engine, seed + 500, over_there));
      co_await all.join();
      EXPECT_TRUE(right_there && right_here) << "seed " << seed;
      if (!right_there || !right_here) co_return;
    }
  });
}

// More is asked of the ring before it runs than it takes at once, and by another thread than its own.
TEST(RingEngine, WhatIsAskedForBeforeItRunsIsDoneWhenItRuns) {
  raise_descriptor_limit();
  RingSockets ring;
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<int> others;
  for (int i = 0; i < 1500; ++i) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
    streams.push_back(std::move(*ring.engine.adopt_stream(ends[0])));
    others.push_back(ends[1]);
    ASSERT_EQ(::send(ends[1], "x", 1, 0), 1);
  }
  std::thread thread([&] {
    TaskGroup group(ring.engine);
    std::size_t heard = 0;
    const auto hear = [](Stream& stream, std::size_t& count, std::size_t all, Engine& engine) -> Task<> {
      const auto got = co_await stream.receive({});
      EXPECT_TRUE(got && *got == "x");
      if (++count == all) engine.stop();
    };
    for (auto& stream : streams) group.spawn(hear(*stream, heard, streams.size(), ring.engine));
    ring.engine.run();
    EXPECT_EQ(heard, streams.size());
  });
  thread.join();
  streams.clear();
  for (const int other : others) ::close(other);
}

}  // namespace
}  // namespace passerelle::io
