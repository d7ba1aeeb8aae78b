// TLS over both kinds of stream below it: memory cut anywhere, and real sockets.
#include "tls/tls_stream.h"

#include <gtest/gtest.h>

#include <array>

#include "io/engines_test_support.h"
#include "io/task_group.h"

namespace passerelle::tls {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing_support::Memory;
using testing_support::RingSockets;
using testing_support::SingleBytes;
using testing_support::Sockets;

Policy usual_policy() {
  return {TLS1_2_VERSION, TLS1_3_VERSION, {"ECDHE-ECDSA-AES128-GCM-SHA256"}, {"TLS_AES_128_GCM_SHA256"}};
}

template <class Kind>
class TlsStreamTest : public testing::Test {
 protected:
  TlsStreamTest() {
    const std::array<std::string, 1> names = {"localhost"};
    server_context = ServerContext::make({Site{{}, *Certificate::self_signed(names), usual_policy()}},
                                         std::make_shared<TicketKeys>(), std::make_shared<const Staples>())
                         .value();
    client_context =
        ClientContext::make(
            {.chain_and_expiry = false, .name = false, .authorities = {}, .servers_themselves = {}})
            .value();
    listener = std::move(*kind.engine.listen(*Endpoint::parse("127.0.0.1:0"), {}));
  }
  void run(io::Task<> task) {
    group.spawn(wrap(std::move(task)));
    if (!done) kind.engine.run();
    EXPECT_TRUE(done) << "something waits for ever";
  }
  io::Task<> wrap(io::Task<> task) {
    co_await std::move(task);
    group.stop();
    done = true;
    kind.engine.stop();
  }
  io::Task<std::unique_ptr<TlsStream>> accept() {
    auto accepted = co_await listener->accept(wait());
    auto stream = std::make_unique<TlsStream>(std::move(accepted->stream), *server_context, workspace);
    const auto shaken = co_await stream->handshake(wait());
    EXPECT_TRUE(shaken);
    co_return std::move(stream);
  }
  io::Task<std::unique_ptr<TlsStream>> connect() {
    const Endpoint to = listener->local();
    auto connected = co_await kind.engine.connect(to, wait());
    auto stream = std::make_unique<TlsStream>(std::move(*connected), *client_context, workspace, "localhost");
    const auto shaken = co_await stream->handshake(wait());
    EXPECT_TRUE(shaken);
    co_return std::move(stream);
  }
  io::Wait wait() { return {never, &group.stop_source()}; }

  io::Task<> echo_server() {
    auto stream = co_await accept();
    for (;;) {
      const auto got = co_await stream->receive(wait());
      if (!got || got->empty()) break;
      if (!co_await stream->send(*got, wait())) break;
    }
    (void)co_await stream->finish({}, wait());
  }
  io::Task<> send_all(io::Stream& stream, const std::string& text) {
    (void)co_await stream.finish(text, wait());
  }
  io::Task<> echo_through(std::size_t size) {
    group.spawn(echo_server());
    auto stream = co_await connect();
    std::string text;
    for (std::size_t i = 0; text.size() < size; ++i) text += std::to_string(i);
    group.spawn(send_all(*stream, text));
    std::string back;
    for (;;) {
      const auto got = co_await stream->receive(wait());
      EXPECT_TRUE(got);
      if (!got || got->empty()) break;
      back += *got;
    }
    EXPECT_TRUE(back == text) << back.size() << " of " << text.size();
  }
  io::Task<> timed_out_then_read() {
    auto [server, client] = co_await pair();
    const auto none = co_await client->receive(kind.engine.in(milliseconds(5), group.stop_source()));
    EXPECT_EQ(none.error().kind, ErrorKind::timed_out);
    EXPECT_TRUE(co_await server->send("late", wait()));
    EXPECT_EQ(co_await received(*client, 4), "late");
  }
  io::Task<> words_with_an_end_behind() {
    auto [server, client] = co_await pair();
    EXPECT_TRUE(co_await server->finish("words", wait()));
    EXPECT_EQ(co_await received(*client, 5), "words");
    EXPECT_FALSE(client->quiet());
    EXPECT_FALSE(client->seems_quiet());
    const auto end = co_await client->receive(wait());
    EXPECT_TRUE(end && end->empty()) << (end ? "words" : end.error().what);
  }
  io::Task<> words_with_a_broken_record_behind() {
    auto [server, client] = co_await pair();
    EXPECT_TRUE(co_await server->send("words", wait()));
    const std::string broken = std::string("\x17\x03\x03\0\x20", 5) + std::string(32, 'x');
    EXPECT_TRUE(co_await server->lower().send(broken, wait()));
    EXPECT_EQ(co_await received(*client, 5), "words");
    const auto end = co_await client->receive(wait());
    EXPECT_FALSE(end);
    if (!end) EXPECT_EQ(end.error().kind, ErrorKind::tls);
  }
  io::Task<std::string> received(io::Stream& stream, std::size_t size) {
    std::string out;
    while (out.size() < size) {
      const auto piece = co_await stream.receive(wait());
      EXPECT_TRUE(piece && !piece->empty());
      if (!piece || piece->empty()) break;
      out += *piece;
    }
    co_return out;
  }
  io::Task<> store_accepted(std::unique_ptr<TlsStream>& out) { out = co_await accept(); }
  io::Task<std::pair<std::unique_ptr<TlsStream>, std::unique_ptr<TlsStream>>> pair() {
    std::unique_ptr<TlsStream> server;
    io::TaskGroup accepting(kind.engine);
    accepting.spawn(store_accepted(server));
    auto client = co_await connect();
    co_await accepting.join();
    co_return std::pair(std::move(server), std::move(client));
  }

  Kind kind;
  io::TaskGroup group{kind.engine};
  Workspace workspace;
  std::shared_ptr<const ServerContext> server_context;
  std::shared_ptr<const ClientContext> client_context;
  std::unique_ptr<io::Listener> listener;
  bool done = false;
};

using Kinds = testing::Types<Sockets, RingSockets, Memory, SingleBytes>;
TYPED_TEST_SUITE(TlsStreamTest, Kinds);

TYPED_TEST(TlsStreamTest, BytesGoThereAndBackUnderBackPressureAndBothSidesEndInOrder) {
  this->run(this->echo_through(std::is_same_v<TypeParam, SingleBytes> ? 3000 : 4 * mebibyte));
}

TYPED_TEST(TlsStreamTest, AReceiveThatTimedOutLosesNothing) { this->run(this->timed_out_then_read()); }

TYPED_TEST(TlsStreamTest, AnEndThatCameWithTheLastWordsIsToldAfterThem) {
  this->run(this->words_with_an_end_behind());
}

TYPED_TEST(TlsStreamTest, ABrokenRecordThatCameWithWordsIsToldAfterThem) {
  this->run(this->words_with_a_broken_record_behind());
}

}  // namespace
}  // namespace passerelle::tls
