// In steady state neither a relayed message nor a keep-alive request allocates: counted, not timed.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "io/epoll_engine.h"
#include "io/system_clock.h"
#include "proxy/journey_test_support.h"

namespace {

std::atomic<bool> counting = false;
std::atomic<std::uint64_t> allocations = 0;

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

struct Real {
  io::SystemClock clock;
  io::SystemRandom random;
  io::EpollEngine engine{clock, random};
};

TEST(Allocations, AKeepAliveRequestMakesNone) {
  Real real;
  Journey journey(real.engine, real.clock, answer_requests);
  journey.run(count_requests(journey,
                             "GET /path?query=1 HTTP/1.1\r\nHost: server.example.com\r\nUser-Agent: "
                             "test\r\nAccept: */*\r\nCookie: a=b\r\n\r\n"));
}

TEST(Allocations, AKeepAlivePostMakesNone) {
  Real real;
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

io::Task<> count_messages(Journey& journey, std::size_t size) {
  auto stream = co_await journey.connect();
  EXPECT_TRUE(co_await stream->send(
      "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: "
      "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      journey.wait()));
  (void)co_await journey.read_until(*stream, "\r\n\r\n");
  const std::string message(size, '\x82');
  for (int i = 0; i < warm_up + counted; ++i) {
    if (i == warm_up) {
      allocations = 0;
      counting = true;
    }
    EXPECT_TRUE(co_await exchange(*stream, message, message.size(), journey.wait()));
  }
  counting = false;
  EXPECT_EQ(allocations.load(), 0U) << "in " << counted << " messages of " << size << " bytes";
}

TEST(Allocations, ARelayedMessageMakesNone) {
  for (const std::size_t size : {64U, 16384U}) {
    Real real;
    Journey journey(real.engine, real.clock, echo);
    journey.run(count_messages(journey, size));
  }
}

}  // namespace
}  // namespace passerelle::proxy
