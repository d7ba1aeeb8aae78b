// For tests of HTTP/2 connections: one that is served, the client's end of it, and what serves its streams.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "http/http2_connection.h"
#include "io/engines_test_support.h"
#include "protocol/http2/frames_test_support.h"

namespace passerelle::http::testing_support {

namespace h2 = passerelle::testing_support::h2;
using std::chrono::seconds;

// A connection served by `serve`, and the client's end of it in `client`.
template <class Kind>
class Http2ConnectionTest : public testing::Test {
 public:
  using Served = std::unique_ptr<Http2Stream>;
  using Serve = std::function<io::Task<>(Served)>;

  void run(io::Task<> task) {
    group.spawn(wrap(std::move(task)));
    if (!done) kind.engine.run();
    EXPECT_TRUE(done) << "something waits for ever";
  }
  io::Task<> wrap(io::Task<> task) {
    co_await std::move(task);
    client.reset();
    co_await group_of_server.join();
    done = true;
    kind.engine.stop();
  }
  io::Task<> connect() {
    auto listener = std::move(*kind.engine.listen(*Endpoint::parse("127.0.0.1:0"), {}));
    const Endpoint at = listener->local();
    group_of_server.spawn(accept(*listener));
    client = std::move(*co_await kind.engine.connect(at, {}));
    co_await send(std::string(h2::preface) + h2::frame(h2::settings, 0, 0));
    while (!accepted) co_await kind.engine.yield();
  }
  io::Task<> accept(io::Listener& listener) {
    auto got = co_await listener.accept({});
    accepted = true;
    const auto transport = std::move(got->stream);
    Http2Connection connection(*transport, limits, workspace,
                               [this](Served stream) { streams.spawn(serve(std::move(stream))); });
    co_await connection.run(draining, stop);
    co_await streams.join();
    ended = true;
  }
  io::Task<> send(std::string bytes) { (void)co_await client->send(bytes, {}); }
  io::Task<> ask(std::uint32_t id, h2::Fields fields, bool last = true) {
    return send(h2::frame(h2::headers, h2::end_headers | (last ? h2::end_stream : 0), id, h2::head(fields)));
  }
  // Reads until a frame of that type comes; an empty one of type -1 at the end.
  io::Task<h2::Frame> next(char type) {
    for (;;) {
      while (!frames.empty()) {
        h2::Frame frame = std::move(frames.front());
        frames.pop_front();
        broke = broke || (frame.type == h2::go_away && frame.payload.substr(4, 4) != h2::number(0, 4));
        if (frame.type == type) co_return frame;
      }
      const auto got = co_await client->receive({});
      if (!got || got->empty()) co_return h2::Frame{-1, 0, 0, {}};
      received += *got;
      for (auto& frame : h2::take_frames(received)) frames.push_back(std::move(frame));
    }
  }
  // All that was sent before it has been read.
  io::Task<> answered_ping() {
    co_await send(h2::frame(h2::ping, 0, 0, "12345678"));
    (void)co_await next(h2::ping);
  }
  io::Task<std::string> body(std::size_t size) {
    std::string out;
    while (out.size() < size) {
      const auto frame = co_await next(h2::data);
      if (frame.type != h2::data) break;
      out += frame.payload;
    }
    co_return out;
  }
  Kind kind;
  Limits limits;
  Workspace workspace;
  io::StopSource draining, stop;
  io::TaskGroup group{kind.engine};
  io::TaskGroup group_of_server{kind.engine};
  io::TaskGroup streams{kind.engine};
  std::unique_ptr<io::Stream> client;
  Serve serve;
  std::string received;
  std::deque<h2::Frame> frames;
  bool accepted = false, ended = false, done = false;
  bool broke = false;  // a GOAWAY with an error came
};

// --- what serves the streams ---

inline io::Task<> echo(std::unique_ptr<Http2Stream> stream) {
  MessageHead head;
  head.set_response(200, "");
  stream->send_head(head, false);
  for (;;) {
    const auto got = co_await stream->receive({});
    if (!got) co_return;
    if (got->empty()) break;
    if (!co_await stream->send(*got, {})) co_return;
  }
  (void)co_await stream->finish("bye", {});
}

// Sends that many bytes and ends; says how it went.
inline io::Task<> pour(std::unique_ptr<Http2Stream> stream, std::size_t size, io::Wait wait,
                       std::vector<std::string>& log) {
  MessageHead head;
  head.set_response(200, "");
  stream->send_head(head, false);
  const std::string bytes(size, 'x');
  const auto sent = co_await stream->finish(bytes, wait);
  log.emplace_back(sent ? "sent" : to_string(sent.error().kind));
}

inline io::Task<> listen_to(std::unique_ptr<Http2Stream> stream, std::vector<std::string>& log) {
  for (;;) {
    const auto got = co_await stream->receive({});
    log.push_back(!got ? std::string(to_string(got.error().kind)) : std::string(*got));
    if (!got || got->empty()) co_return;
  }
}

// Keeps the stream until told.
inline io::Task<> hold(std::unique_ptr<Http2Stream> stream, std::size_t& held, io::Signal& let_go) {
  ++held;
  co_await let_go.wait();
  MessageHead head;
  head.set_response(204, "");
  stream->send_head(head, true);
}

}  // namespace passerelle::http::testing_support
