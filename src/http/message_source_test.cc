// Messages from a stream, over memory cut by a seed and over real sockets.
#include "http/message_source.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "http/body_writer.h"
#include "io/engines_test_support.h"
#include "io/task_group.h"

namespace passerelle::http {
namespace {

using testing_support::RingSockets;
using testing_support::SmallPieces;
using testing_support::Sockets;

struct Heard {
  std::string head, body, trailers;
  friend bool operator==(const Heard&, const Heard&) = default;
};

template <class Kind>
class MessageSourceTest : public testing::Test {
 protected:
  MessageSourceTest() { listener = std::move(*kind.engine.listen(*Endpoint::parse("127.0.0.1:0"), {})); }

  // Sends `wire` and reads requests from it until the end.
  std::vector<Heard> read(std::string wire) {
    group.spawn(serve());
    group.spawn(send(std::move(wire)));
    if (!done) kind.engine.run();
    EXPECT_TRUE(done) << "something waits for ever";
    return heard;
  }
  io::Wait wait() { return {never, &group.stop_source()}; }
  io::Task<> send(std::string wire) {
    const Endpoint to = listener->local();
    auto stream = co_await kind.engine.connect(to, wait());
    (void)co_await (*stream)->finish(wire, wait());
    // Stays open until the reader is done: an early close could reset.
    (void)co_await (*stream)->receive(wait());
  }
  io::Task<> serve() {
    auto accepted = co_await listener->accept(wait());
    {
      MessageSource source(*accepted->stream, http1::HeadKind::request, limits, workspace);
      auto head = workspace.heads.take();
      while (co_await read_one(source, *head)) {
      }
      unread_kept = source.has_unread();
    }
    done = true;
    group.stop();
    while (group.running() > 1) co_await kind.engine.yield();  // the sender unwinds
    kind.engine.stop();
  }
  io::Task<bool> read_one(MessageSource& source, MessageHead& head) {
    last = co_await source.read_head(head, wait());
    if (last.kind != HeadOutcome::Kind::complete) co_return false;
    const auto framing = http1::request_framing(head, limits);
    EXPECT_TRUE(framing);
    source.begin_body(*framing);
    Heard& one = heard.emplace_back();
    one.head = fmt::format("{} {}", head.method(), head.target());
    for (;;) {
      const auto piece = co_await source.read_body(wait());
      if (!piece) {
        one.body += "!";
        co_return false;
      }
      if (piece->empty()) break;
      one.body += *piece;
    }
    if (const MessageHead* trailers = source.trailers()) {
      for (const auto& field : trailers->fields) one.trailers += trailers->name(field);
    }
    co_return true;
  }

  Kind kind;
  Limits limits;
  Workspace workspace;
  io::TaskGroup group{kind.engine};
  std::unique_ptr<io::Listener> listener;
  std::vector<Heard> heard;
  HeadOutcome last;
  bool done = false;
  bool unread_kept = false;
};

using Kinds = testing::Types<Sockets, RingSockets, SmallPieces>;
TYPED_TEST_SUITE(MessageSourceTest, Kinds);

TYPED_TEST(MessageSourceTest, PipelinedRequestsWithEveryKindOfBodyAreToldApart) {
  const auto heard = this->read(
      "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
      "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Sum: 1\r\n\r\n"
      "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(
      heard,
      (std::vector<Heard>{
          {"GET /1", "", ""}, {"POST /2", "hello", ""}, {"POST /3", "abcde", "X-Sum"}, {"GET /4", "", ""}}));
  EXPECT_EQ(this->last.kind, HeadOutcome::Kind::ended);
}

TYPED_TEST(MessageSourceTest, ABodyCutShortIsAnErrorAndNoEnd) {
  const auto heard = this->read("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\nhello");
  EXPECT_EQ(heard, (std::vector<Heard>{{"POST /1", "hello!", ""}}));
}

TYPED_TEST(MessageSourceTest, BodiesThatComeWithTheirHeadsLeaveNothingBehind) {
  std::string wire;
  constexpr std::size_t messages = 300;
  for (std::size_t i = 0; i < messages; ++i) {
    wire += "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x');
  }
  EXPECT_EQ(this->read(std::move(wire)).size(), messages);
  EXPECT_FALSE(this->unread_kept);
  // What was borrowed came back, and never held more than a slice.
  auto buffer = this->workspace.buffers.take();
  EXPECT_LE(buffer->bytes.capacity(), 130 * kibibyte);
}

}  // namespace
}  // namespace passerelle::http
