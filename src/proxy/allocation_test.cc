// What must not creep back, counted and not timed, on each engine: in steady state neither a relayed message
// nor a keep-alive request allocates; a message costs few calls; what waits holds few bytes of frames.
#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "io/engines_test_support.h"
#include "io/frame_pool.h"
#include "io/uring_engine.h"
#include "proxy/journey_test_support.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<std::uint64_t> allocations = 0;
std::atomic<std::uint64_t> reads_and_writes = 0;
std::atomic<std::uint64_t> bytes_read_by_gateway = 0;

}  // namespace

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
void* operator new(std::size_t size) {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

// In place of the C library's: every read and write of a socket in this program comes by here.
extern "C" ssize_t recv(int descriptor, void* buffer, std::size_t size, int flags) {
  if (counting.load(std::memory_order_relaxed)) reads_and_writes.fetch_add(1, std::memory_order_relaxed);
  const ssize_t got = ::syscall(SYS_recvfrom, descriptor, buffer, size, flags, nullptr, nullptr);
  // Only the gateway asks for less than all.
  if (counting.load(std::memory_order_relaxed) && got > 0 && size < 1024)
    bytes_read_by_gateway.fetch_add(static_cast<std::uint64_t>(got), std::memory_order_relaxed);
  return got;
}
extern "C" ssize_t send(int descriptor, const void* bytes, std::size_t size, int flags) {
  if (counting.load(std::memory_order_relaxed)) reads_and_writes.fetch_add(1, std::memory_order_relaxed);
  return ::syscall(SYS_sendto, descriptor, bytes, size, flags, nullptr, 0);
}

namespace passerelle::proxy {
namespace {

using testing_support::Journey;

constexpr int warm_up = 50, counted = 500;

// The test's own ends must not allocate either: fixed bytes, no strings.
io::Task<bool> exchange(io::Stream& stream, BytesView sent, std::size_t wanted, io::Wait wait) {
  if (!co_await stream.send(sent, wait)) co_return false;
  for (std::size_t read = 0; read < wanted;) {
    const auto got = co_await stream.receive(wait);
    if (!got || got->empty()) co_return false;
    read += got->size();
  }
  co_return true;
}

constexpr std::string_view response =
    "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Type: text/plain\r\nContent-Length: "
    "5\r\n\r\nhello";

io::Task<> answer_requests(io::Stream& stream, io::StopSource& stop) {
  for (;;) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) co_return;
    if (!co_await stream.send(response, {never, &stop})) co_return;
  }
}

io::Task<> count_requests(Journey& journey, std::string_view request) {
  auto stream = co_await journey.connect();
  for (int i = 0; i < warm_up + counted; ++i) {
    if (i == warm_up) {
      allocations = 0;
      counting = true;
    }
    EXPECT_TRUE(co_await exchange(*stream, request, response.size(), journey.wait()));
  }
  counting = false;
  EXPECT_EQ(allocations.load(), 0U) << "in " << counted << " keep-alive requests";
}

using passerelle::testing_support::RingSockets;
using passerelle::testing_support::Sockets;

template <class Kind>
class Costs : public testing::Test {};
using Kinds = testing::Types<Sockets, RingSockets>;
TYPED_TEST_SUITE(Costs, Kinds);

TYPED_TEST(Costs, AKeepAliveRequestAllocatesNothing) {
  TypeParam real;
  Journey journey(real.engine, real.clock, answer_requests);
  journey.run(count_requests(journey,
                             "GET /path?query=1 HTTP/1.1\r\nHost: server.example.com\r\nUser-Agent: "
                             "test\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"));
}

TYPED_TEST(Costs, AKeepAlivePostAllocatesNothing) {
  TypeParam real;
  Journey journey(real.engine, real.clock, answer_requests);
  journey.run(count_requests(
      journey, "POST /path HTTP/1.1\r\nHost: server.example.com\r\nContent-Length: 5\r\n\r\nhello"));
}

io::Task<> echo(io::Stream& stream, io::StopSource& stop) {
  (void)co_await stream.receive({never, &stop});
  (void)co_await stream.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
      "Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
      {never, &stop});
  for (;;) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) co_return;
    if (!co_await stream.send(*got, {never, &stop})) co_return;
  }
}

constexpr std::string_view websocket_handshake =
    "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
    "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

io::Task<> send_all(io::Stream& stream, BytesView bytes, io::Wait wait) {
  EXPECT_TRUE(co_await stream.send(bytes, wait));
}

// A frame of a client's, of that many bytes in all; the member sends it back as it is.
std::string client_frame(std::size_t size) {
  std::string out("\x82\xfe", 2);
  const std::size_t payload = size - 8;
  out += static_cast<char>(payload >> 8);
  out += static_cast<char>(payload);
  out.resize(size, 'm');
  return out;
}

// How often the engine itself calls the kernel; nothing where it is not counted.
std::uint64_t engine_calls(io::Engine& engine) {
  const auto* ring = dynamic_cast<io::UringEngine*>(&engine);
  return ring != nullptr ? ring->calls() : 0;
}

io::Task<> count_messages(Journey& journey, std::size_t size) {
  auto stream = co_await journey.connect();
  EXPECT_TRUE(co_await stream->send(websocket_handshake, journey.wait()));
  (void)co_await journey.read_until(*stream, "\r\n\r\n");
  const std::string message = client_frame(size);
  std::uint64_t calls_before = 0;
  for (int i = 0; i < warm_up + counted; ++i) {
    if (i == warm_up) {
      allocations = reads_and_writes = 0;
      calls_before = engine_calls(journey.engine());
      counting = true;
    }
    EXPECT_TRUE(co_await exchange(*stream, message, message.size(), journey.wait()));
  }
  counting = false;
  EXPECT_EQ(allocations.load(), 0U) << "in " << counted << " messages of " << size << " bytes";
  EXPECT_EQ(journey.worker().tunnels.front().from(TunnelSide::client).messages, warm_up + counted);
  if (calls_before > 0 && size < io::Uring::buffer_bytes) {
    // Short messages need no reads and writes of their own: each of the four ways is one call, with the wait.
    EXPECT_EQ(reads_and_writes.load(), 0U) << "in " << counted << " messages of " << size << " bytes";
    EXPECT_LE(engine_calls(journey.engine()) - calls_before, counted * 4U + 8);
    co_return;
  }
  // Client, gateway, member and back: four writes, four reads.
  EXPECT_EQ(reads_and_writes.load(), counted * 8U) << "in " << counted << " messages of " << size << " bytes";
}

io::Task<> count_long_messages(Journey& journey) {
  auto stream = co_await journey.connect();
  EXPECT_TRUE(co_await stream->send(websocket_handshake, journey.wait()));
  (void)co_await journey.read_until(*stream, "\r\n\r\n");
  constexpr std::size_t payload = mebibyte;
  std::string message("\x82\xff\0\0\0\0\0\x10\0\0mask", 14);
  message.resize(message.size() + payload, 'm');
  constexpr int messages = 8;
  for (int i = 0; i < 1 + messages; ++i) {
    if (i == 1) {
      allocations = bytes_read_by_gateway = 0;
      counting = true;
    }
    journey.tasks().spawn(send_all(*stream, message, journey.wait()));
    for (std::size_t read = 0; read < message.size();) {
      const auto got = co_await stream->receive(journey.wait());
      if (!got || got->empty()) break;
      read += got->size();
    }
  }
  counting = false;
  const auto& from = journey.worker().tunnels.front().from(TunnelSide::client);
  EXPECT_EQ(from.messages, 1U + messages);
  EXPECT_EQ(from.bytes, (1U + messages) * message.size());
  // Both ways; what a slow side would not take at once, and the beginnings of pieces, do come by.
  EXPECT_LT(bytes_read_by_gateway.load(), 2U * messages * payload / 50);
}

// What a further connection holds of the frame pool once it has said `first`, and waits: frames, streams, the
// tunnel; with the client's and the member's, which are the test's own.
io::Task<> count_frames(Journey& journey, std::string_view first, bool is_answered, std::size_t bytes_max) {
  std::vector<std::unique_ptr<io::Stream>> waiting;
  std::size_t before = 0;
  constexpr std::size_t some = 10, more = 50;
  for (std::size_t i = 0; i < some + more; ++i) {
    if (i == some) before = io::frame_bytes_in_use();
    waiting.push_back(co_await journey.connect());
    EXPECT_TRUE(co_await waiting.back()->send(first, journey.wait()));
    if (is_answered)
      (void)co_await journey.read_until(*waiting.back(), "\r\n\r\n");
    else
      (void)co_await journey.engine().sleep(
          {journey.engine().now() + std::chrono::milliseconds(5), journey.wait().stop});
    for (int turns = 0; turns < 20; ++turns) co_await journey.engine().yield();
  }
  EXPECT_LE((io::frame_bytes_in_use() - before) / more, bytes_max);
}

io::Task<> never_answer(io::Stream& stream, io::StopSource& stop) {
  for (;;) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) co_return;
  }
}

constexpr std::string_view short_request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TYPED_TEST(Costs, AnIdleTunnelWithItsFourStreamsHoldsAKibibyteAndAHalf) {
  TypeParam real;
  Journey journey(real.engine, real.clock, echo);
  journey.run(count_frames(journey, websocket_handshake, true, 1536));
}

TYPED_TEST(Costs, AnIdleConnectionWithItsFourStreamsHoldsTwoKibibytesAndAHalf) {
  TypeParam real;
  Journey journey(real.engine, real.clock, answer_requests);
  journey.run(count_frames(journey, short_request, true, 2560));
}

TYPED_TEST(Costs, ARequestUnderWayWithItsFourStreamsHoldsSixKibibytes) {
  TypeParam real;
  Journey journey(real.engine, real.clock, never_answer);
  journey.run(count_frames(journey, short_request, false, 6144));
}

TYPED_TEST(Costs, ALongMessageGoesThroughWithoutItsPayloadBeingRead) {
  TypeParam real;
  Journey journey(real.engine, real.clock, echo);
  journey.run(count_long_messages(journey));
}

TYPED_TEST(Costs, ARelayedMessageThatIsObservedAllocatesNothingAndTakesOneReadAndOneWriteADirection) {
  for (const std::size_t size : {134U, 16384U}) {
    TypeParam real;
    Journey journey(real.engine, real.clock, echo);
    journey.run(count_messages(journey, size));
  }
}

}  // namespace
}  // namespace passerelle::proxy
