// Both engines keep the same promises: every test here runs on each.
#include "io/engine.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "io/engine_choice.h"
#include "io/epoll_engine.h"
#include "io/simulated_engine.h"
#include "io/system_clock.h"
#include "io/task_group.h"
#include "io/turn_gate.h"

namespace passerelle::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Epoll {
  SystemClock clock;
  SystemRandom random;
  EpollEngine engine{clock, random};
};

// Where the kernel refuses it, these tests show no more than the others.
struct Ring {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<SocketEngine> owned = make_engine(EngineKind::io_uring, clock, random);
  SocketEngine& engine = *owned;
};

struct Simulated {
  SimulatedClock clock;
  SeededRandom random{42};
  SimulatedEngine engine{clock, random};
};

// Another process has a copy of a descriptor; here it has to be made.
template <class Kind>
struct Shared {
  static int descriptor(int number) { return number; }
};
template <>
struct Shared<Epoll> {
  static int descriptor(int number) { return ::dup(number); }
};
template <>
struct Shared<Ring> : Shared<Epoll> {};

template <class Kind>
class EngineTest : public testing::Test {
 protected:
  void run(Task<> task) {
    group.spawn(wrap(std::move(task)));
    if (!done) kind.engine.run();
    EXPECT_TRUE(done) << "something waits for ever";
  }
  Task<> wrap(Task<> task) {
    co_await std::move(task);
    done = true;
    kind.engine.stop();
  }
  std::unique_ptr<Listener> listen() {
    auto listener = kind.engine.listen(*Endpoint::parse("127.0.0.1:0"), {});
    EXPECT_TRUE(listener);
    return std::move(*listener);
  }

  Kind kind;
  TaskGroup group{kind.engine};
  bool done = false;
};

using Kinds = testing::Types<Epoll, Ring, Simulated>;
TYPED_TEST_SUITE(EngineTest, Kinds);

Task<> echo_once(Listener& listener, StopSource& stop) {
  auto accepted = co_await listener.accept({never, &stop});
  if (!accepted) co_return;
  for (;;) {
    auto got = co_await accepted->stream->receive({never, &stop});
    if (!got || got->empty()) break;
    if (auto sent = co_await accepted->stream->send(*got, {never, &stop}); !sent) break;
  }
  (void)co_await accepted->stream->finish({}, {never, &stop});
}

Task<std::string> receive_all(Stream& stream, Wait wait) {
  std::string all;
  for (;;) {
    auto got = co_await stream.receive(wait);
    if (!got || got->empty()) co_return all;
    all += *got;
  }
}

Task<> send_and_finish(Stream& stream, std::string text, Wait wait) {
  (void)co_await stream.finish(text, wait);
}

template <class Test>
Task<> megabytes_pass(Test& test, Engine& engine, Listener& listener, TaskGroup& group) {
  group.spawn(echo_once(listener, group.stop_source()));
  const Endpoint to = listener.local();
  auto stream = co_await engine.connect(to, engine.in(seconds(5), group.stop_source()));
  EXPECT_TRUE(stream);
  std::string text;
  for (int i = 0; text.size() < 3 * mebibyte; ++i) text += std::to_string(i);
  group.spawn(send_and_finish(**stream, text, {never, &group.stop_source()}));
  const std::string back = co_await receive_all(**stream, {never, &group.stop_source()});
  EXPECT_TRUE(back == text);
  (void)test;
}

TYPED_TEST(EngineTest, MegabytesGoThereAndBackWithAHalfCloseAtTheEnd) {
  auto listener = this->listen();
  this->run(megabytes_pass(*this, this->kind.engine, *listener, this->group));
}

// From `from` to `to`: what is here is passed on unseen, and only what has to be waited for is read.
Task<> pass_through(Stream& from, Stream& to, StopSource& stop, std::size_t& seen) {
  for (;;) {
    PassedOn passed;
    do passed = from.pass_on(to, std::numeric_limits<std::uint64_t>::max());
    while (passed.bytes > 0 && passed.left.empty());
    BytesView bytes = passed.left;
    if (bytes.empty()) {
      const auto got = co_await from.receive({never, &stop});
      if (!got || got->empty()) break;
      bytes = *got;
    }
    seen += bytes.size();
    if (!co_await to.send(bytes, {never, &stop})) co_return;
  }
  (void)co_await to.finish({}, {never, &stop});
}

Task<> relay_once(Engine& engine, Listener& listener, const Endpoint& to, StopSource& stop,
                  std::size_t& seen) {
  auto accepted = co_await listener.accept({never, &stop});
  auto onward = co_await engine.connect(to, engine.in(seconds(5), stop));
  EXPECT_TRUE(accepted && onward);
  EXPECT_TRUE(accepted->stream->can_pass_on() && (*onward)->can_pass_on());
  co_await pass_through(*accepted->stream, **onward, stop, seen);
}

Task<> passes_on(Engine& engine, Listener& front, Listener& back, TaskGroup& group) {
  std::size_t seen = 0;
  const Endpoint to = back.local(), at = front.local();
  group.spawn(relay_once(engine, front, to, group.stop_source(), seen));
  auto client = co_await engine.connect(at, engine.in(seconds(5), group.stop_source()));
  std::string text;
  for (int i = 0; text.size() < 8 * mebibyte; ++i) text += std::to_string(i);
  group.spawn(send_and_finish(**client, text, {never, &group.stop_source()}));
  auto accepted = co_await back.accept({never, &group.stop_source()});
  const std::string came = co_await receive_all(*accepted->stream, {never, &group.stop_source()});
  EXPECT_TRUE(came == text);
  EXPECT_LT(seen, text.size() / 2);
}

TYPED_TEST(EngineTest, WhatIsPassedOnArrivesInOrderAndIsMostlyNotSeen) {
  auto front = this->listen();
  auto back = this->listen();
  this->run(passes_on(this->kind.engine, *front, *back, this->group));
}

Task<> looks_ahead(Engine& engine, Listener& listener, TaskGroup& group) {
  const Wait wait = engine.in(seconds(5), group.stop_source());
  auto stream = co_await engine.connect(listener.local(), wait);
  auto accepted = co_await listener.accept(wait);
  std::array<char, 4> looked_at{};
  const MutableBytes into{looked_at.data(), looked_at.size()};
  EXPECT_EQ(accepted->stream->peek(into), "");
  EXPECT_TRUE(co_await (*stream)->send("a message", wait));
  (void)co_await engine.sleep({engine.now() + milliseconds(10), wait.stop});
  for (int i = 0; i < 3; ++i) {
    const BytesView next = accepted->stream->peek(into);
    EXPECT_TRUE(!next.empty() && std::string_view("a message").starts_with(next));
  }
  group.spawn(send_and_finish(**stream, "", wait));
  EXPECT_EQ(co_await receive_all(*accepted->stream, wait), "a message");
}

TYPED_TEST(EngineTest, WhatIsLookedAtIsStillToBeReceived) {
  auto listener = this->listen();
  this->run(looks_ahead(this->kind.engine, *listener, this->group));
}

Task<> send_and_reset(std::unique_ptr<Stream> stream, std::string text, Wait wait) {
  EXPECT_TRUE(co_await stream->send(text, wait));
  stream->reset_on_close();
}

Task<> passes_on_up_to_a_reset(Engine& engine, Listener& front, Listener& back, TaskGroup& group) {
  const Endpoint to = back.local(), at = front.local();
  const Wait wait = engine.in(seconds(5), group.stop_source());
  auto onward = co_await engine.connect(to, wait);
  auto far = co_await back.accept(wait);
  auto client = co_await engine.connect(at, wait);
  auto accepted = co_await front.accept(wait);
  Stream& from = *accepted->stream;
  group.spawn(send_and_reset(std::move(*client), std::string(10'000, 'x'), wait));
  std::size_t passed = 0;
  Result<BytesView> got;
  for (;;) {
    // The kernel tells an error once, to whoever asks first.
    while (const std::size_t bytes = from.pass_on(**onward, 1 * mebibyte).bytes) passed += bytes;
    got = co_await from.receive(wait);
    if (!got || got->empty()) break;
    passed += got->size();
  }
  EXPECT_FALSE(got.has_value()) << "a reset is no orderly end";
  if (!got) EXPECT_EQ(got.error().kind, ErrorKind::reset);
  EXPECT_LE(passed, 10'000U);
}

TYPED_TEST(EngineTest, AResetIsAResetAlsoWherePassingOnMeetsItFirst) {
  auto front = this->listen();
  auto back = this->listen();
  this->run(passes_on_up_to_a_reset(this->kind.engine, *front, *back, this->group));
}

Task<> receive_times_out(Engine& engine, Listener& listener, TaskGroup& group) {
  const Endpoint to = listener.local();
  auto stream = co_await engine.connect(to, engine.in(seconds(5), group.stop_source()));
  auto got = co_await (*stream)->receive(engine.in(milliseconds(20), group.stop_source()));
  EXPECT_EQ(got.error().kind, ErrorKind::timed_out);
}

TYPED_TEST(EngineTest, AReceiveEndsTimedOutAtItsDeadline) {
  auto listener = this->listen();
  this->run(receive_times_out(this->kind.engine, *listener, this->group));
}

Task<> wait_for_stop(Listener& listener, StopSource& stop, ErrorKind& ended) {
  auto accepted = co_await listener.accept({never, &stop});
  ended = accepted.error().kind;
}

Task<> stop_ends_waits(Engine& engine, Listener& listener) {
  TaskGroup inner(engine);
  ErrorKind ended = ErrorKind::system;
  inner.spawn(wait_for_stop(listener, inner.stop_source(), ended));
  inner.stop();
  co_await inner.join();
  EXPECT_EQ(ended, ErrorKind::stopped);
  auto late = co_await listener.accept({never, &inner.stop_source()});
  EXPECT_EQ(late.error().kind, ErrorKind::stopped);
}

TYPED_TEST(EngineTest, AStopEndsWhatWaitsAndWhatComesLater) {
  auto listener = this->listen();
  this->run(stop_ends_waits(this->kind.engine, *listener));
}

Task<> refused(Engine& engine, TaskGroup& group) {
  const Endpoint nobody = *Endpoint::parse("127.0.0.1:1");
  auto stream = co_await engine.connect(nobody, engine.in(seconds(5), group.stop_source()));
  EXPECT_EQ(stream.error().kind, ErrorKind::refused);
}

TYPED_TEST(EngineTest, AConnectToNobodyIsRefused) { this->run(refused(this->kind.engine, this->group)); }

struct Witness final : StreamWatcher {
  StopSource stop;
  bool finished = false, reset = false;
  void on_peer_finished() override {
    finished = true;
    stop.request_stop();
  }
  void on_reset() override {
    reset = true;
    stop.request_stop();
  }
};

Task<> watch_reset(Engine& engine, Listener& listener, TaskGroup& group) {
  const Endpoint to = listener.local();
  auto client = co_await engine.connect(to, engine.in(seconds(5), group.stop_source()));
  auto accepted = co_await listener.accept({never, &group.stop_source()});
  Witness witness;
  accepted->stream->watch(&witness);
  (*client)->reset_on_close();
  client->reset();
  (void)co_await engine.sleep(engine.in(seconds(5), witness.stop));
  EXPECT_TRUE(witness.reset);
  auto got = co_await accepted->stream->receive({never, &group.stop_source()});
  EXPECT_EQ(got.error().kind, ErrorKind::reset);
}

TYPED_TEST(EngineTest, AResetIsToldToAWatcherWhileNobodyReceives) {
  auto listener = this->listen();
  this->run(watch_reset(this->kind.engine, *listener, this->group));
}

Task<> slow_reader(Engine& engine, Listener& listener, TaskGroup& group) {
  const Endpoint to = listener.local();
  auto client = co_await engine.connect(to, engine.in(seconds(5), group.stop_source()));
  auto accepted = co_await listener.accept({never, &group.stop_source()});
  const std::string block(64 * kibibyte, 'x');
  std::size_t sent = 0;
  for (;;) {
    auto result = co_await (*client)->send(block, engine.in(milliseconds(50), group.stop_source()));
    if (!result) {
      EXPECT_EQ(result.error().kind, ErrorKind::timed_out);
      break;
    }
    sent += block.size();
    EXPECT_LT(sent, 64 * mebibyte) << "a reader that reads nothing never stopped us";
    if (sent > 64 * mebibyte) break;
  }
}

TYPED_TEST(EngineTest, APeerThatReadsNothingStopsTheSender) {
  auto listener = this->listen();
  this->run(slow_reader(this->kind.engine, *listener, this->group));
}

TEST(EpollEngine, NoPostIsLostHoweverManyThreadsPost) {
  Epoll kind;
  constexpr int posters = 4, posts = 5000;
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int p = 0; p < posters; ++p) {
    threads.emplace_back([&] {
      for (int i = 0; i < posts; ++i) {
        kind.engine.post([&] {
          if (++ran == posters * posts) kind.engine.stop();
        });
      }
    });
  }
  kind.engine.run();  // a lost wake-up would leave it here
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ran, posters * posts);
}

Task<> accept_many(Listener& listener, StopSource& stop, int& accepted, int wanted, Engine& engine) {
  while (accepted < wanted) {
    auto got = co_await listener.accept({never, &stop});
    if (!got) co_return;
    ++accepted;
  }
  engine.stop();
}

Task<> connect_once(Engine& engine, const Endpoint& to, StopSource& stop) {
  (void)co_await engine.connect(to, engine.in(seconds(10), stop));
}

TEST(EpollEngine, AStormOfConnectionsIsAcceptedToTheLast) {
  Epoll kind;
  TaskGroup group(kind.engine);
  auto listener = std::move(*kind.engine.listen(*Endpoint::parse("127.0.0.1:0"), {}));
  constexpr int wanted = 2000;
  int accepted = 0;
  const Endpoint to = listener->local();
  group.spawn(accept_many(*listener, group.stop_source(), accepted, wanted, kind.engine));
  for (int i = 0; i < wanted; ++i) group.spawn(connect_once(kind.engine, to, group.stop_source()));
  if (accepted < wanted) kind.engine.run();
  EXPECT_EQ(accepted, wanted);
}

TEST(TimerQueue, FiresInOrderAndForgetsTheDisarmed) {
  struct Probe final : Timer {
    std::vector<int>* order = nullptr;
    int name = 0;
    void on_timer() override { order->push_back(name); }
  };
  TimerQueue queue;
  std::vector<int> order;
  std::array<Probe, 50> probes;
  for (int i = 0; i < 50; ++i) {
    auto& probe = probes[static_cast<std::size_t>(i)];
    probe.order = &order;
    probe.name = i * 37 % 50;
    queue.arm(probe, TimePoint(milliseconds(probe.name)));
  }
  for (auto& probe : probes) {
    if (probe.name % 3 == 0) probe.disarm();
  }
  queue.fire(TimePoint(milliseconds(40)));
  std::vector<int> expected;
  for (int i = 0; i <= 40; ++i) {
    if (i % 3 != 0) expected.push_back(i);
  }
  EXPECT_EQ(order, expected);
}

TEST(DescriptorShares, TheLastAreForMembersThenForOurselves) {
  const DescriptorShares wide(1000);
  EXPECT_TRUE(wide.is_for_client(935));
  EXPECT_FALSE(wide.is_for_client(936));
  EXPECT_TRUE(wide.is_for_member(967));
  EXPECT_FALSE(wide.is_for_member(968));
  const DescriptorShares narrow(64);
  EXPECT_TRUE(narrow.is_for_client(47));
  EXPECT_FALSE(narrow.is_for_client(48));
}

std::string congestion_control(const Stream& stream) {
  std::array<char, 16> name{};
  socklen_t length = name.size();
  EXPECT_EQ(::getsockopt(stream.writable_descriptor(), IPPROTO_TCP, TCP_CONGESTION, name.data(), &length), 0);
  return name.data();
}

Task<> meet_on_loopback(SocketEngine& engine, std::array<std::string, 2>& congestion_controls) {
  auto listener = engine.listen(*Endpoint::parse("127.0.0.1:0"), {.for_clients = true});
  auto connected = co_await engine.connect((*listener)->local(), {});
  auto accepted = co_await (*listener)->accept({});
  congestion_controls = {congestion_control(**connected), congestion_control(*accepted->stream)};
  engine.stop();
}

TEST(SocketStream, NeitherEndOfAConnectionWithinThisMachineIsPaced) {
  Epoll kind;
  std::array<std::string, 2> used;
  TaskGroup group(kind.engine);
  group.spawn(meet_on_loopback(kind.engine, used));
  kind.engine.run();
  EXPECT_EQ(used, (std::array<std::string, 2>{"reno", "reno"}));
}

// What is frozen here goes on in a stream that adopts it, with what the frozen one could not send yet.
template <class Kind>
Task<> move_in_the_middle(Kind& kind, Listener& listener, TaskGroup& group) {
  auto connected = co_await kind.engine.connect(listener.local(), {});
  auto accepted = co_await listener.accept({});
  const std::unique_ptr<Stream> peer = std::move(accepted->stream);
  std::unique_ptr<Stream> before = std::move(*connected);
  const std::string large(8 * mebibyte, 'x');
  const auto send_all = [](Stream& stream, const std::string& bytes, StopSource& stop) -> Task<> {
    (void)co_await stream.send(bytes, {never, &stop});
  };
  TaskGroup sending(kind.engine, &group.stop_source());
  sending.spawn(send_all(*before, large, sending.stop_source()));
  EXPECT_TRUE(before->can_freeze());
  const auto frozen = before->freeze();
  const std::string unsent(frozen.unsent);
  EXPECT_FALSE(unsent.empty());
  auto adopted = kind.engine.adopt_stream(Shared<Kind>::descriptor(frozen.descriptor));
  EXPECT_TRUE(adopted.has_value());
  sending.stop();
  co_await sending.join();
  before.reset();
  sending.spawn(send_all(**adopted, unsent, group.stop_source()));
  std::size_t received = 0;
  while (received < large.size()) {
    const auto got = co_await peer->receive({});
    EXPECT_TRUE(got && !got->empty());
    if (!got || got->empty()) co_return;
    received += got->size();
  }
  EXPECT_EQ(received, large.size());
  EXPECT_TRUE((co_await peer->send("back", {})).has_value());
  const auto back = co_await (*adopted)->receive({});
  EXPECT_TRUE(back.has_value());
  co_await sending.join();
}

TYPED_TEST(EngineTest, AFrozenStreamGoesOnWhereItIsAdopted) {
  const auto listener = this->listen();
  this->run(move_in_the_middle(this->kind, *listener, this->group));
}

template <class Kind>
Task<> freeze_and_thaw(Kind& kind, Listener& listener) {
  auto connected = co_await kind.engine.connect(listener.local(), {});
  auto accepted = co_await listener.accept({});
  const std::unique_ptr<Stream> peer = std::move(accepted->stream);
  std::string heard;
  const auto hear = [](Stream& stream, std::string& out) -> Task<> {
    while (out.size() < 4) {
      const auto got = co_await stream.receive({});
      if (!got || got->empty()) co_return;
      out += *got;
    }
  };
  TaskGroup hearing(kind.engine);
  hearing.spawn(hear(**connected, heard));
  EXPECT_TRUE((*connected)->can_freeze());
  (void)(*connected)->freeze();
  EXPECT_TRUE((co_await peer->send("word", {})).has_value());
  (void)co_await kind.engine.sleep({kind.engine.now() + milliseconds(20), nullptr});
  EXPECT_EQ(heard, "");
  (*connected)->thaw();
  co_await hearing.join();
  EXPECT_EQ(heard, "word");
}

TYPED_TEST(EngineTest, AFrozenStreamHearsAfterTheThawWhatWasSaidMeanwhile) {
  const auto listener = this->listen();
  this->run(freeze_and_thaw(this->kind, *listener));
}

Task<> pass(TurnGate& gate, int& passed) {
  if (!gate.try_pass()) co_await gate.wait();
  ++passed;
}

template <class Kind>
Task<> watch_turns(Kind& kind, TaskGroup& group) {
  TurnGate gate(kind.engine, 3);
  int passed = 0;
  for (int i = 0; i < 20; ++i) group.spawn(pass(gate, passed));
  EXPECT_EQ(passed, 3);
  for (int turns = 0; turns < 10; ++turns) {
    const int before = passed;
    co_await kind.engine.yield();
    EXPECT_LE(passed - before, 3);
  }
  EXPECT_EQ(passed, 20);
  EXPECT_EQ(gate.waiting(), 0U);
}

TYPED_TEST(EngineTest, ATurnGateLetsSoManyThroughInATurnAndEverybodyInTheEnd) {
  this->run(watch_turns(this->kind, this->group));
}

}  // namespace
}  // namespace passerelle::io
