// The session alone: bytes in, events and frames out, wherever the bytes are cut.
#include "protocol/http2/session.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "protocol/cut_test_support.h"
#include "protocol/http2/frames_test_support.h"

namespace passerelle::http2 {
namespace {

namespace h2 = testing_support::h2;
using std::chrono::seconds;

std::string text_of(const MessageHead& head) {
  std::string out = fmt::format("{} {}", head.method(), head.target());
  for (const auto& field : head.fields) out += fmt::format(" [{}: {}]", head.name(field), head.value(field));
  return out;
}

// Writes down what it is told; says what it was given to say.
class Recorder final : public SessionHandler {
 public:
  struct One final : StreamHandler {
    One(StreamId id, Recorder& owner) : StreamHandler(id), recorder(owner) {}
    MessageHead& head() override { return request; }
    void on_data(BytesView bytes) override {
      received += bytes;
      if (recorder.takes_data) recorder.to_consume += bytes.size();
    }
    void on_trailer(BytesView name, BytesView value) override {
      recorder.note(fmt::format("{} trailer {}: {}", id(), name, value));
    }
    void on_end() override { recorder.note(fmt::format("{} ends after '{}'", id(), received)); }
    void on_closed(std::uint32_t error) override { recorder.note(fmt::format("{} closed {}", id(), error)); }
    Output output() override { return {BytesView(to_send), ends, nullptr}; }
    void on_framed(std::size_t bytes, bool ended) override {
      to_send.erase(0, bytes);
      if (ended) ends = false;
    }
    Recorder& recorder;
    MessageHead request;
    std::string received, to_send;
    bool ends = false;
  };

  StreamHandler& begin_stream(StreamId id) override {
    return *(streams[id] = std::make_unique<One>(id, *this));
  }
  void on_request(StreamHandler& stream, const RequestHead::Kind& kind) override {
    note(fmt::format("{} {}{}{}", stream.id(), text_of(stream.head()), kind.ended ? " ended" : "",
                     kind.websocket ? " websocket" : ""));
  }
  void on_refused_head(StreamHandler& stream, const ParseError& why) override {
    note(fmt::format("{} refused {} {}", stream.id(), why.status, why.what));
  }
  void note(std::string line) { log.push_back(std::move(line)); }

  std::map<StreamId, std::unique_ptr<One>> streams;
  std::vector<std::string> log;
  std::size_t to_consume = 0;
  bool takes_data = false;
};

struct Peer {
  explicit Peer(const Limits& limit = {}) : limits(limit) {}
  Limits limits;
  Recorder recorder;
  Session session{limits, recorder};
  std::string sent;  // by the session, and not looked at yet

  void feed(std::string_view bytes, TimePoint now = {}) { session.feed(bytes, now); }
  void start() { feed(std::string(h2::preface) + h2::frame(h2::settings, 0, 0)); }
  std::vector<h2::Frame> frames() {
    session.take_output(sent, 1 << 20);
    return h2::take_frames(sent);
  }
  // Of the last GOAWAY; nothing if there was none.
  std::optional<std::uint32_t> goaway() {
    std::optional<std::uint32_t> code;
    for (const auto& frame : frames()) {
      if (frame.type == h2::go_away) code = static_cast<unsigned char>(frame.payload[7]);
    }
    return code;
  }
  std::size_t data_for(StreamId id) {
    std::size_t size = 0;
    for (const auto& frame : frames()) {
      if (frame.type == h2::data && frame.stream == static_cast<std::uint32_t>(id))
        size += frame.payload.size();
    }
    return size;
  }
  void answer(StreamId id, std::size_t body) {
    MessageHead head;
    head.set_response(200, "OK");
    recorder.streams[id]->to_send.assign(body, 'x');
    recorder.streams[id]->ends = true;
    session.send_head(*recorder.streams[id], head, false);
  }
  void open(StreamId id) {
    feed(h2::frame(h2::headers, h2::end_headers | h2::end_stream, static_cast<std::uint32_t>(id),
                   h2::head(h2::request("GET", "/"))));
  }
};

TEST(Http2Session, TellsTheSameWhereverTheBytesAreCut) {
  std::string input(h2::preface);
  input += h2::frame(h2::settings, 0, 0);
  input +=
      h2::frame(h2::headers, h2::end_headers, 1,
                h2::head(h2::request("POST", "/a?b", {{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}})));
  input += h2::frame(h2::data, 0, 1, "hello ");
  input += h2::frame(h2::headers, h2::end_headers, 3, h2::head(h2::websocket()));
  input += h2::frame(h2::data, 0, 1, "world");
  input += h2::frame(2, 0, 5, std::string(4, '\0') + '\x10');
  input += h2::frame(h2::headers, h2::end_headers | h2::end_stream, 1, h2::head({{"x-sum", "42"}}));
  input += h2::frame(h2::data, h2::end_stream, 3, "frame");
  const std::vector<std::string> expected = {
      "1 POST /a?b [x: y] [Host: gw.test] [Cookie: a=1; b=2] [Transfer-Encoding: chunked]",
      "3 GET /ws [Host: gw.test] [Connection: Upgrade] [Upgrade: websocket] websocket",
      "1 trailer x-sum: 42",
      "1 ends after 'hello world'",
      "3 ends after 'frame'",
  };
  testing_support::for_every_cut(input, [&](const std::vector<std::string_view>& pieces) {
    Peer peer;
    for (const auto piece : pieces) peer.feed(piece);
    EXPECT_EQ(peer.recorder.log, expected);
    EXPECT_FALSE(peer.session.broken());
  });
}

TEST(Http2Session, SaysWhatItAllowsBeforeAnythingElse) {
  Peer peer;
  const auto first = peer.frames().front();
  EXPECT_EQ(first.type, h2::settings);
  EXPECT_NE(first.payload.find(h2::number(8, 2) + h2::number(1, 4)), std::string::npos)
      << "ENABLE_CONNECT_PROTOCOL";
  EXPECT_NE(first.payload.find(h2::number(9, 2) + h2::number(1, 4)), std::string::npos)
      << "NO_RFC7540_PRIORITIES";
}

TEST(Http2Session, LeavesOutWhatBelongsToHttp1AndASwitchIsA200) {
  Peer peer;
  peer.start();
  peer.feed(h2::frame(h2::headers, h2::end_headers, 1, h2::head(h2::websocket())));
  MessageHead head;
  head.set_response(101, "Switching Protocols");
  for (const char* name :
       {"Connection", "Upgrade", "Sec-WebSocket-Accept", "Keep-Alive", "Transfer-Encoding"})
    head.add(name, "x");
  head.add("Sec-WebSocket-Protocol", "chat");
  peer.session.send_head(*peer.recorder.streams[1], head, false);
  std::string block;
  for (const auto& frame : peer.frames()) {
    if (frame.type == h2::headers) block += frame.payload;
  }
  EXPECT_EQ(block.front(), '\x88') << ":status 200 of the static table";
  EXPECT_LT(block.size(), 40U) << "one field beside it";
}

TEST(Http2Session, SendsNoMoreThanTheWindowsAllow) {
  Peer peer;
  peer.start();
  peer.open(1);
  peer.answer(1, 100'000);
  EXPECT_EQ(peer.data_for(1), 65'535U) << "alone it has all of the connection's window";
  peer.feed(h2::frame(h2::window_update, 0, 0, h2::number(10, 4)) +
            h2::frame(h2::window_update, 0, 1, h2::number(10, 4)));
  EXPECT_EQ(peer.data_for(1), 10U);
}

TEST(Http2Session, LeavesHalfOfTheConnectionsWindowToTheOthers) {
  Peer peer;
  peer.start();
  peer.open(1);
  peer.open(3);
  peer.answer(1, 100'000);
  EXPECT_EQ(peer.data_for(1), 32'768U);
  peer.answer(3, 1000);
  EXPECT_EQ(peer.data_for(3), 1000U);
  // What is read makes room again.
  peer.feed(h2::frame(h2::window_update, 0, 0, h2::number(32'767, 4)) +
            h2::frame(h2::window_update, 0, 1, h2::number(32'767, 4)));
  EXPECT_GT(peer.data_for(1), 30'000U);
}

TEST(Http2Session, AStreamWithALargeWindowGoesOnWhereOnlyTheConnectionsRoomIsGivenBack) {
  Peer peer;
  peer.feed(std::string(h2::preface) +
            h2::frame(h2::settings, 0, 0, h2::number(4, 2) + h2::number(10'000'000, 4)));
  peer.open(1);
  peer.open(3);
  peer.answer(1, 1'000'000);
  std::size_t all = 0;
  for (int i = 0; i < 100; ++i) {
    const std::size_t size = peer.data_for(1);
    if (size == 0) break;
    all += size;
    peer.feed(h2::frame(h2::window_update, 0, 0, h2::number(static_cast<std::uint32_t>(size), 4)));
  }
  EXPECT_EQ(all, 1'000'000U);
}

TEST(Http2Session, StreamsTakeTurnsFrameByFrame) {
  Peer peer;
  peer.feed(std::string(h2::preface) +
            h2::frame(h2::settings, 0, 0, h2::number(4, 2) + h2::number(10'000'000, 4)) +
            h2::frame(h2::window_update, 0, 0, h2::number(10'000'000, 4)));
  for (const StreamId id : {1, 3, 5}) peer.open(id);
  for (const StreamId id : {1, 3, 5}) peer.answer(id, 200'000);
  std::map<std::uint32_t, std::size_t> at;
  for (const auto& frame : peer.frames()) {
    if (frame.type != h2::data) continue;
    at[frame.stream] += frame.payload.size();
    for (const auto& [stream, size] : at) EXPECT_LE(size, at[1] + 40'000) << stream;
  }
  EXPECT_EQ(at[5], 200'000U);
}

TEST(Http2Session, ATunnelsUnreadBytesAreNotHeldAgainstTheOthers) {
  Peer peer;
  peer.start();
  peer.frames();
  for (std::uint32_t id = 1; id < 60; id += 2) {
    peer.feed(h2::frame(h2::headers, h2::end_headers, id, h2::head(h2::websocket())));
    peer.session.give_own_window(*peer.recorder.streams[static_cast<StreamId>(id)], 0);
    for (int i = 0; i < 4; ++i) peer.feed(h2::frame(h2::data, 0, id, std::string(16'384, 'x')));
    peer.frames();
  }
  EXPECT_FALSE(peer.session.broken()) << "30 times 64 KiB are more than the connection's window";
}

TEST(Http2Session, ARequestsUnreadBytesAre) {
  Peer peer;
  peer.start();
  for (std::uint32_t id = 1; id < 60; id += 2) {
    peer.feed(h2::frame(h2::headers, h2::end_headers, id, h2::head(h2::request("POST", "/"))));
    for (int i = 0; i < 4; ++i) peer.feed(h2::frame(h2::data, 0, id, std::string(16'384, 'x')));
    peer.frames();
  }
  EXPECT_TRUE(peer.session.finished());
}

TEST(Http2Session, FramesThatGetNobodyAnywhereAreFreeAtAModestRate) {
  Peer peer;
  peer.start();
  TimePoint now{};
  for (int i = 0; i < 50'000; ++i) {
    now += std::chrono::milliseconds(20);
    peer.feed(h2::frame(h2::ping, 0, 0, "12345678"), now);
    peer.frames();
  }
  EXPECT_FALSE(peer.session.broken());
  for (int i = 0; i < 3000; ++i) {
    peer.feed(h2::frame(h2::ping, 0, 0, "12345678"), now);
    if (i % 100 == 0 && !peer.session.broken()) peer.frames();
  }
  EXPECT_TRUE(peer.session.broken());
  EXPECT_EQ(peer.goaway(), 11U);
}

TEST(Http2Session, ResetsOfWhatWasAnsweredAreNoAbuse) {
  Peer peer;
  peer.start();
  for (std::uint32_t id = 1; id < 4000; id += 2) {
    peer.feed(h2::frame(h2::headers, h2::end_headers, id, h2::head(h2::websocket())),
              TimePoint{} + seconds(id));
    MessageHead head;
    head.set_response(101, "");
    peer.session.send_head(*peer.recorder.streams[static_cast<StreamId>(id)], head, false);
    peer.frames();
    peer.feed(h2::frame(h2::rst_stream, 0, id, h2::number(8, 4)), TimePoint{} + seconds(id));
  }
  EXPECT_FALSE(peer.session.broken());
}

TEST(Http2Session, AStreamThatIsForgottenIsResetAndWhatStillComesForItIsBorne) {
  Peer peer;
  peer.start();
  peer.feed(h2::frame(h2::headers, h2::end_headers, 1, h2::head(h2::request("POST", "/"))));
  peer.session.reset_and_release(*peer.recorder.streams[1], ErrorCode::cancel);
  peer.recorder.streams.clear();
  peer.frames();
  for (int i = 0; i < 20; ++i) peer.feed(h2::frame(h2::data, 0, 1, "on its way already"));
  EXPECT_FALSE(peer.session.broken());
}

TEST(Http2Session, AGoawayEndsItWhenTheLastStreamIsThrough) {
  Peer peer;
  peer.start();
  peer.open(1);
  peer.session.announce_end();
  peer.session.go_away();
  peer.frames();
  EXPECT_FALSE(peer.session.finished());
  peer.answer(1, 10);
  peer.frames();
  EXPECT_TRUE(peer.session.finished());
}

}  // namespace
}  // namespace passerelle::http2
