// Tunnels through whatever happens around them: reloads, hand-overs that succeed and that do not, closes,
// half-closes, slow readers, bytes cut anywhere; by a seed, under a simulated clock. A failure names its seed
// and is run again with PASSERELLE_SEED.
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "base/text.h"
#include "io/simulated_engine.h"
#include "protocol/websocket/frame.h"
#include "proxy/journey_test_support.h"

namespace passerelle::proxy {
namespace {

using std::chrono::milliseconds;
using testing_support::Journey;
using testing_support::sample_handshake;
using testing_support::sample_switch;

// Sends back what it gets, byte for byte, and ends when its client has.
io::Task<> echo(io::Stream& stream, io::StopSource& stop) {
  std::string head;
  while (head.find("\r\n\r\n") == std::string::npos) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) co_return;
    head += *got;
  }
  (void)co_await stream.send(sample_switch, {never, &stop});
  for (;;) {
    const auto got = co_await stream.receive({never, &stop});
    if (!got || got->empty()) break;
    if (!co_await stream.send(*got, {never, &stop})) co_return;
  }
  (void)co_await stream.finish({}, {never, &stop});
}

// Frames of a client, and where each ends.
struct Script {
  std::string bytes;
  std::vector<std::size_t> ends{0};
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : seed_(seed),
        random_(seed),
        engine_(clock_, random_,
                {pick<std::size_t>({1, 13, 999, 64 * kibibyte}), pick<std::size_t>({700, 20'000, 256'000})}),
        journey_(engine_, clock_, echo),
        events_(clock_, telemetry::Level::error, false, std::make_shared<telemetry::LineSink>(2, "")),
        other_(engine_, WorkerSettings{}, events_),
        things_(engine_) {
    workers_ = {&journey_.worker(), &other_};
    if (chance(3)) keep_frames();
    other_.set_snapshot(journey_.worker().snapshot());
  }

  void run() { journey_.run(all()); }

 private:
  bool chance(std::uint64_t one_in) { return random_.next() % one_in == 0; }
  template <class T>
  T pick(std::initializer_list<T> of) {
    return of.begin()[random_.next() % of.size()];
  }
  io::Task<> rest(std::uint64_t most) {
    const auto duration = milliseconds(random_.next() % most);
    (void)co_await engine_.sleep({engine_.now() + duration, nullptr});
  }

  // With a keeper that looks at every frame, and finds none too many.
  void keep_frames() {
    auto snapshot = std::make_shared<Snapshot>(*journey_.worker().snapshot());
    RouteNames names = *snapshot->names[0];
    names.keepers.message_bytes_max = mebibyte;
    names.keepers.messages_per_second_max = 1'000'000;
    snapshot->names = {std::make_shared<const RouteNames>(std::move(names))};
    journey_.worker().set_snapshot(std::move(snapshot));
  }

  Script make_script() {
    Script out;
    for (std::uint64_t frames = 1 + random_.next() % 30; frames > 0; --frames) {
      // As a client's are: masked, so that none of them can be taken for the gateway's own.
      const std::size_t size = pick<std::size_t>({0, 1, 125, 126, 1000, 5000});
      const bool control = size <= 125 && chance(4);
      const std::uint8_t first =
          control ? pick<std::uint8_t>({0x89, 0x8a}) : pick<std::uint8_t>({0x01, 0x81, 0x82, 0x00, 0x80});
      out.bytes += static_cast<char>(first);
      out.bytes += static_cast<char>(0x80 | (size < 126 ? size : 126));
      if (size >= 126) {
        out.bytes += static_cast<char>(size >> 8);
        out.bytes += static_cast<char>(size);
      }
      out.bytes += "mask";
      for (std::size_t i = 0; i < size; ++i) out.bytes += static_cast<char>(random_.next());
      out.ends.push_back(out.bytes.size());
    }
    return out;
  }

  io::Task<> send(io::Stream& stream, const Script& script, const bool& open) {
    BytesView left = script.bytes;
    while (!left.empty()) {
      const std::size_t n = std::min<std::size_t>(left.size(), 1 + random_.next() % 2000);
      if (!co_await stream.send(left.substr(0, n), journey_.wait())) co_return;
      left.remove_prefix(n);
      if (chance(3)) co_await rest(20);
    }
    // Before the 101 an end would say that nobody waits for it.
    if (open && chance(2)) (void)co_await stream.finish({}, journey_.wait());
  }

  // Ends when everything has come back, or when the gateway ends the tunnel.
  io::Task<> receive(io::Stream& stream, const Script& script, bool& open) {
    std::string got;
    const std::string head = co_await journey_.read_until(stream, "\r\n\r\n");
    if (!head.starts_with("HTTP/1.1 101 ")) {
      ADD_FAILURE() << "seed " << seed_ << ": no tunnel: " << head;
      co_return;
    }
    open = true;
    got = head.substr(head.find("\r\n\r\n") + 4);
    while (got.size() < script.bytes.size()) {
      const auto piece = co_await stream.receive(journey_.wait());
      if (!piece || piece->empty()) break;
      got += *piece;
      if (chance(5)) co_await rest(30);
    }
    check(got, script);
    ++finished_;
  }

  // What came is what was sent, to its end; or to the end of a frame, and then a Close of the gateway's.
  void check(const std::string& got, const Script& script) {
    std::size_t same = 0;
    while (same < got.size() && same < script.bytes.size() && got[same] == script.bytes[same]) ++same;
    if (same == script.bytes.size()) return;
    ASSERT_TRUE(left_) << "seed " << seed_ << ": " << same << " of " << script.bytes.size()
                       << " bytes, then something else";
    const BytesView rest = BytesView(got).substr(same);
    // A Close may agree with the next frame's first byte.
    const bool at_boundary = std::ranges::any_of(script.ends, [&](std::size_t end) {
      return end <= same && BytesView(got).substr(end).starts_with("\x88");
    });
    ASSERT_TRUE(rest.empty() || at_boundary) << "seed " << seed_ << ": a Close that is not between frames";
  }

  io::Task<> client() {
    co_await rest(50);
    const Script script = make_script();
    auto stream = co_await journey_.connect();
    (void)co_await stream->send(sample_handshake, journey_.wait());
    io::TaskGroup both(engine_);
    bool open = false;
    both.spawn(send(*stream, script, open));
    both.spawn(receive(*stream, script, open));
    co_await both.join();
  }

  // All tunnels of one worker to the other, as two processes do it; or not, after all.
  void hand_over(bool go) {
    Worker& from = *workers_[turn_ % 2];
    Worker& to = *workers_[(turn_ + 1) % 2];
    const auto frozen = from.freeze_tunnels();
    if (!go) return from.thaw_tunnels();
    BinaryWriter written;
    for (const auto& each : frozen) each.state.save(written);
    BinaryReader reader(written.bytes());
    for (const auto& each : frozen) {
      auto state = MovedTunnel::restored(reader);
      auto member = to.snapshot()->groups[0].members[0];
      TunnelTag tag{to.snapshot()->names[0],  board::Seat(member, false), state.trace_id,
                    state.client_ip,          state.client_port,          state.idle_seconds_max,
                    state.only_backend_counts};
      to.adopt({std::move(*engine_.adopt_stream(each.descriptors[0])),
                std::move(*engine_.adopt_stream(each.descriptors[1])), std::move(tag), std::move(state)});
    }
    EXPECT_TRUE(reader.complete());
    from.let_go_of_frozen_tunnels();
    ++turn_;
  }

  void happen() {
    switch (random_.next() % 8) {
      case 0:
      case 1:
      case 2: return hand_over(true);
      case 3: return hand_over(false);
      case 4:
      case 5:  // a reload
        for (Worker* worker : workers_) worker->set_snapshot(std::make_shared<Snapshot>(*worker->snapshot()));
        return;
      default: break;
    }
    if (!chance(4)) return;
    left_ = true;
    for (Worker* worker : workers_)
      worker->drain_tunnels(0, nullptr, TunnelEnd::operator_closed,
                            {.code = 1012, .reason = "a seed wants it"});
  }

  io::Task<> events() {
    for (std::uint64_t left = random_.next() % 20; left > 0; --left) {
      co_await rest(40);
      // As from another thread: in the middle of nothing.
      engine_.post([this] { happen(); });
    }
  }

  io::Task<> all() {
    const std::uint64_t clients = 1 + random_.next() % 4;
    for (std::uint64_t i = 0; i < clients; ++i) things_.spawn(client());
    things_.spawn(events());
    co_await things_.join();
    EXPECT_EQ(finished_, clients) << "seed " << seed_;
    co_await other_.finish();
  }

  const std::uint64_t seed_;
  io::SimulatedClock clock_;
  SeededRandom random_;
  io::SimulatedEngine engine_;
  Journey journey_;
  telemetry::EventLog events_;
  Worker other_;
  std::array<Worker*, 2> workers_{};
  io::TaskGroup things_;
  std::size_t turn_ = 0;
  std::uint64_t finished_ = 0;
  bool left_ = false;  // tunnels were asked to
};

TEST(Simulation, TunnelsLoseNothingWhateverHappensAroundThem) {
  const char* one = std::getenv("PASSERELLE_SEED");
  const std::uint64_t first = one != nullptr ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t last = one != nullptr ? first : 1000;
  for (std::uint64_t seed = first; seed <= last && !testing::Test::HasFailure(); ++seed) {
    Simulation simulation(seed);
    simulation.run();
    if (testing::Test::HasFailure()) ADD_FAILURE() << "run it again with PASSERELLE_SEED=" << seed;
  }
}

}  // namespace
}  // namespace passerelle::proxy
