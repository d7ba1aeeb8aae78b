// HTTP/2 connections under a client that does everything at once, by a seed: streams of three kinds, windows
// of all sizes, resets at any moment, bytes cut anywhere. Whatever is not reset arrives whole, and nothing
// waits for ever.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/text.h"
#include "http/http2_connection.h"
#include "io/simulated_engine.h"
#include "protocol/http2/frames_test_support.h"

namespace passerelle::http {
namespace {

namespace h2 = testing_support::h2;

constexpr std::size_t streams_opened = 40;
constexpr std::size_t streams_at_once = 10;
constexpr auto patience = std::chrono::hours(1);  // of simulated time

char byte_at(std::size_t at) { return static_cast<char>('a' + at % 23); }

// --- what serves the streams ---

MessageHead head_of(int status) {
  MessageHead head;
  head.set_response(status, "");
  return head;
}

// Some break off: their last send is called off wherever it is.
bool is_cut(std::size_t size) { return size % 5 == 3; }

// "/pour/SIZE"
io::Task<> pour(std::unique_ptr<Http2Stream> stream, std::size_t size) {
  stream->send_head(head_of(200), false);
  std::string bytes;
  for (std::size_t at = 0; at < size;) {
    bytes.clear();
    for (; at < size && bytes.size() < 50'000; ++at) bytes += byte_at(at);
    const bool breaks_off = is_cut(size) && at > size / 2;
    const TimePoint until = breaks_off ? stream->engine().now() + std::chrono::milliseconds(3) : never;
    if (!co_await stream->send(bytes, {until, nullptr})) break;
  }
  if (is_cut(size)) {
    // As where a group is joined: it lives on for some turns.
    for (int i = 0; i < 3; ++i) co_await stream->engine().yield();
    co_return;
  }
  (void)co_await stream->finish({}, {});
}

io::Task<> echo(std::unique_ptr<Http2Stream> stream) {
  stream->send_head(head_of(101), false);
  stream->become_tunnel();
  for (;;) {
    const auto got = co_await stream->receive({});
    if (!got) co_return;
    if (got->empty()) break;
    if (!co_await stream->send(*got, {})) co_return;
  }
  (void)co_await stream->finish({}, {});
}

// Answers with the size of what it read.
io::Task<> measure(std::unique_ptr<Http2Stream> stream) {
  std::size_t size = 0;
  for (;;) {
    const auto got = co_await stream->receive({});
    if (!got) co_return;
    if (got->empty()) break;
    for (const char c : *got) EXPECT_EQ(c, byte_at(size++));
  }
  stream->send_head(head_of(200), false);
  const std::string text = std::to_string(size);
  (void)co_await stream->finish(text, {});
}

io::Task<> serve(std::unique_ptr<Http2Stream> stream) {
  const std::string target(stream->head().target());
  if (stream->websocket()) return echo(std::move(stream));
  if (target.starts_with("/pour/"))
    return pour(std::move(stream), *parse_decimal<std::size_t>(std::string_view(target).substr(6)));
  return measure(std::move(stream));
}

// --- the client ---

class RandomClient {
 public:
  explicit RandomClient(unsigned seed)
      : random_(seed),
        engine_(clock_, random_,
                {.chunk_bytes_max = pick({1U, 100U, 5000U, 65536U}),
                 .pipe_bytes_max = pick({500U, 20'000U, 400'000U})}),
        initial_window_(pick({1U, 100U, 5000U, 65'535U, 1'000'000U})),
        extra_window_(pick({0U, 10'000'000U})),
        at_half_(pick({0U, 1U}) == 1),
        size_max_(initial_window_ < 5000                     ? 300
                  : engine_.settings().chunk_bytes_max < 200 ? 3000
                                                             : 200'000) {}

  // What went wrong; empty when nothing did.
  std::string run() {
    io::TaskGroup tasks(engine_);
    auto [ours, theirs] = engine_.make_pair();
    client_ = std::move(ours);
    tasks.spawn(serve_connection(std::move(theirs)));
    tasks.spawn(drive());
    io::TaskGroup end(engine_);
    end.spawn(finish(tasks));
    engine_.run();
    if (!finished_) return "something waits for ever";
    return wrong_;
  }

 private:
  enum class Kind : std::uint8_t { pour, echo, measure };
  struct Stream {
    Kind kind;
    std::size_t size = 0;      // of what it will carry
    std::size_t sent = 0;      // by us
    std::size_t received = 0;  // from the gateway
    std::size_t pending = 0;   // received, and no room given for it yet
    std::int64_t window = 65'535;
    std::string answer = {};  // of measure
    bool ended = false, said_all = false, reset = false;
  };

  template <class T>
  T pick(std::initializer_list<T> of) {
    return *(of.begin() + random_.next() % of.size());
  }
  bool one_in(std::uint64_t n) { return random_.next() % n == 0; }
  std::size_t up_to(std::size_t most) { return static_cast<std::size_t>(random_.next() % (most + 1)); }

  io::Task<> finish(io::TaskGroup& tasks) {
    co_await tasks.join();
    finished_ = true;
    engine_.stop();
  }
  io::Task<> serve_connection(std::unique_ptr<io::Stream> transport) {
    io::TaskGroup streams(engine_);
    Http2Connection connection(*transport, limits_, workspace_, [&](std::unique_ptr<Http2Stream> stream) {
      streams.spawn(serve(std::move(stream)));
    });
    co_await connection.run(draining_, stop_);
    co_await streams.join();
  }

  io::Task<> drive() {
    const TimePoint until = engine_.now() + patience;
    out_ = std::string(h2::preface) +
           h2::frame(h2::settings, 0, 0, h2::number(4, 2) + h2::number(initial_window_, 4));
    if (extra_window_ > 0) out_ += h2::frame(h2::window_update, 0, 0, h2::number(extra_window_, 4));
    while (wrong_.empty() && (next_ < 2 * streams_opened || !streams_.empty())) {
      std::erase_if(streams_, [](const auto& each) {
        return each.second.reset || (each.second.ended && each.second.said_all);
      });
      if (engine_.now() > until) {
        wrong_ = stuck();
        break;
      }
      if (next_ < 2 * streams_opened && streams_.size() < streams_at_once && one_in(2)) open();
      for (auto& [id, stream] : streams_) say_more(id, stream);
      if (const std::string out = std::exchange(out_, {}); !out.empty()) {
        if (!co_await client_->send(out, {until, nullptr})) wrong_ = "the connection takes no more";
      }
      // Sometimes it takes nothing, and the gateway's way out fills up.
      if (one_in(20)) (void)co_await engine_.sleep({engine_.now() + std::chrono::milliseconds(50), nullptr});
      const auto got = co_await client_->receive({engine_.now() + std::chrono::milliseconds(5), nullptr});
      if (!got && got.error().kind == ErrorKind::timed_out) continue;
      if (!got || got->empty())
        wrong_ = "the connection ended";
      else
        take(*got);
    }
    client_.reset();
  }

  void open() {
    const std::uint32_t id = std::exchange(next_, next_ + 2);
    Stream stream{.kind = pick({Kind::pour, Kind::echo, Kind::measure}), .size = up_to(size_max_)};
    h2::Fields head = stream.kind == Kind::echo ? h2::websocket()
                      : stream.kind == Kind::measure
                          ? h2::request("POST", "/measure")
                          : h2::request("GET", fmt::format("/pour/{}", stream.size));
    stream.said_all = stream.kind == Kind::pour;
    out_ +=
        h2::frame(h2::headers, h2::end_headers | (stream.said_all ? h2::end_stream : 0), id, h2::head(head));
    streams_.emplace(id, std::move(stream));
  }

  void say_more(std::uint32_t id, Stream& stream) {
    if (!stream.reset && one_in(200)) {
      stream.reset = true;
      out_ += h2::frame(h2::rst_stream, 0, id, h2::number(8, 4));
    }
    if (stream.said_all || stream.reset) return;
    const auto room = static_cast<std::size_t>(
        std::max<std::int64_t>(std::min({stream.window, window_, std::int64_t{16'384}}), 0));
    const std::size_t size = std::min({stream.size - stream.sent, room, up_to(20'000)});
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes += byte_at(stream.sent + i);
    stream.sent += size;
    stream.window -= static_cast<std::int64_t>(size);
    window_ -= static_cast<std::int64_t>(size);
    stream.said_all = stream.sent == stream.size;
    if (size > 0 || stream.said_all)
      out_ += h2::frame(h2::data, stream.said_all ? h2::end_stream : 0, id, bytes);
  }

  void give_room(std::uint32_t id, std::size_t& pending, std::size_t window) {
    if (pending == 0 || (at_half_ && pending < window - window / 2)) return;
    out_ += h2::frame(h2::window_update, 0, id,
                      h2::number(static_cast<std::uint32_t>(std::exchange(pending, 0)), 4));
  }

  void take(BytesView bytes) {
    received_ += bytes;
    for (const auto& frame : h2::take_frames(received_)) take(frame);
  }

  void take(const h2::Frame& frame) {
    if (frame.type == h2::go_away) wrong_ = fmt::format("GOAWAY {}", static_cast<int>(frame.payload[7]));
    const auto found = streams_.find(frame.stream);
    if (frame.type == h2::data) {
      unread_ += frame.payload.size();
      give_room(0, unread_, 65'535 + extra_window_);
    }
    if (frame.type == h2::window_update) {
      std::int64_t more = 0;
      for (const char c : frame.payload) more = more << 8 | static_cast<unsigned char>(c);
      if (frame.stream == 0) window_ += more;
      if (found != streams_.end()) found->second.window += more;
    }
    if (found == streams_.end()) return;
    Stream& stream = found->second;
    const bool cut = stream.kind == Kind::pour && is_cut(stream.size);
    if (frame.type == h2::rst_stream && !stream.reset && !cut)
      wrong_ = fmt::format("stream {} was reset", frame.stream);
    stream.reset = stream.reset || frame.type == h2::rst_stream;
    if (frame.type == h2::data) take_data(frame.stream, stream, frame.payload);
    const bool may_end = frame.type == h2::data || frame.type == h2::headers;
    if (may_end && (frame.flags & h2::end_stream) != 0 && !stream.reset) end(frame.stream, stream);
  }

  void take_data(std::uint32_t id, Stream& stream, const std::string& bytes) {
    if (stream.kind == Kind::measure)
      stream.answer += bytes;
    else
      for (std::size_t i = 0; i < bytes.size(); ++i)
        if (bytes[i] != byte_at(stream.received + i))
          wrong_ = fmt::format("stream {} carries other bytes", id);
    stream.received += bytes.size();
    stream.pending += bytes.size();
    give_room(id, stream.pending, initial_window_);
  }

  void end(std::uint32_t id, Stream& stream) {
    stream.ended = true;
    const bool whole = stream.kind == Kind::measure ? stream.answer == std::to_string(stream.size)
                                                    : stream.received == stream.size &&
                                                          (stream.kind != Kind::pour || !is_cut(stream.size));
    if (!whole) wrong_ = fmt::format("stream {} ended after {} of {}", id, stream.received, stream.size);
  }

  std::string stuck() {
    std::string out = fmt::format("stuck, with {} to send:", window_);
    for (const auto& [id, s] : streams_)
      out += fmt::format(" {}: kind {}, {}/{} sent, {} received, window {};", id, static_cast<int>(s.kind),
                         s.sent, s.size, s.received, s.window);
    return out;
  }

  SeededRandom random_;
  io::SimulatedClock clock_;
  io::SimulatedEngine engine_;
  const std::uint32_t initial_window_;  // for what the gateway sends
  const std::uint32_t extra_window_;    // of the connection, beyond the first 65,535
  const bool at_half_;                  // when room is given back; or at once
  const std::size_t size_max_;
  Limits limits_;
  Workspace workspace_;
  io::StopSource draining_, stop_;
  std::unique_ptr<io::Stream> client_;
  std::map<std::uint32_t, Stream> streams_;
  std::uint32_t next_ = 1;
  std::int64_t window_ = 65'535;
  std::size_t unread_ = 0;
  std::string out_, received_, wrong_;
  bool finished_ = false;
};

TEST(Http2Random, EverythingArrivesWholeUnderAnyWindowsResetsAndCuts) {
  const char* scale = std::getenv("PASSERELLE_SCALE");
  const auto seeds =
      static_cast<unsigned>(200 * (scale != nullptr ? std::max(std::atof(scale), 0.1) * 5 : 1));
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    RandomClient client(seed);
    ASSERT_EQ(client.run(), "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace passerelle::http
