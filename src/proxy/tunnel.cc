#include "proxy/tunnel.h"

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "protocol/websocket/frame.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

// Hears of a reset while nobody receives from that side, because the other side is slow.
class Tunnel::Watcher final : public io::StreamWatcher {
 public:
  Watcher(Tunnel& tunnel, TunnelEnd end) : tunnel_(tunnel), end_(end) {}
  void on_peer_finished() override {}
  void on_reset() override { tunnel_.end(end_); }

 private:
  Tunnel& tunnel_;
  TunnelEnd end_;
};

// What the observer tells of a direction's frames, on its way into the counters.
struct Tunnel::Told {
  Direction& direction;
  telemetry::TunnelFrames::Direction& counters;

  void on_frame(const websocket::FrameHeader& header) const {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    direction.last_frames[direction.frames_seen++ % Direction::frames_remembered] = {
        static_cast<std::uint32_t>(std::min(header.length, most)), header.first};
    switch (header.opcode()) {
      case websocket::FrameHeader::close: return counters.closes.add();
      case websocket::FrameHeader::ping: return counters.pings.add();
      case websocket::FrameHeader::pong: return counters.pongs.add();
      default: return;
    }
  }
  void on_message(std::uint64_t payload_bytes) const {
    ++direction.messages;
    counters.message_bytes.add(payload_bytes);
  }
};

Tunnel::Tunnel(Worker& worker, TunnelPlan plan)
    : worker_(worker),
      client_(std::move(plan.client)),
      backend_(std::move(plan.backend)),
      tag_(std::move(plan.tag)),
      group_(worker.engine, &worker.stop()),
      receives_(&group_.stop_source()),
      opened_(worker.engine.now()) {
  worker_.tunnels.push_back(*this);
  worker_.counters.tunnels_opened.add();
  worker_.counters.tunnels_open.add();
  if (telemetry::RouteTunnels* route = route_counters()) {
    route->opened.add();
    route->open.add();
  }
  tag_.seat.member()->tunnels.fetch_add(1, std::memory_order_relaxed);
  keep_early(Side::client, std::move(plan.early_from_client));
  keep_early(Side::backend, std::move(plan.early_from_backend));
}

void Tunnel::keep_early(Side side, std::string bytes) {
  if (!bytes.empty())
    early_[static_cast<std::size_t>(side)] = std::make_unique<std::string>(std::move(bytes));
}

Tunnel::~Tunnel() {
  worker_.counters.tunnels_open.subtract();
  if (telemetry::RouteTunnels* route = route_counters()) route->open.subtract();
  tag_.seat.member()->tunnels.fetch_sub(1, std::memory_order_relaxed);
}

io::Task<> Tunnel::run() {
  Watcher client_watcher(*this, TunnelEnd::client_reset);
  Watcher backend_watcher(*this, TunnelEnd::backend_reset);
  client_->watch(&client_watcher);
  backend_->watch(&backend_watcher);
  if (tag_.idle_seconds_max > 0) end_after_silence(std::chrono::seconds(tag_.idle_seconds_max));
  group_.spawn(pump(Side::client));
  group_.spawn(pump(Side::backend));
  co_await group_.join();
  if (timer_) timer_->cancel();
  if (end_ == TunnelEnd::none)
    end_ = timer_ && timer_->ran_out() ? (sides_ended_ > 0 ? TunnelEnd::half_closed : TunnelEnd::idle)
                                       : TunnelEnd::shutdown;
  client_->watch(nullptr);
  backend_->watch(nullptr);
  // A reset carries over: each side learns that the other did not end in order.
  if (end_ == TunnelEnd::client_reset || end_ == TunnelEnd::backend_reset || end_ == TunnelEnd::dead_peer) {
    client_->reset_on_close();
    backend_->reset_on_close();
  }
  count_end();
  log_close();
}

// Until this side ends: what it sends goes to the other. Both awaits are leaves: a message allocates nothing.
io::Task<> Tunnel::pump(Side side) {
  io::Stream& from = side == Side::client ? *client_ : *backend_;
  io::Stream& to = side == Side::client ? *backend_ : *client_;
  const io::Wait wait{never, &group_.stop_source()};
  if (auto& early = early_[static_cast<std::size_t>(side)]) {
    note(side, *early);
    const auto sent = co_await to.send(*early, wait);
    early.reset();
    if (!sent) co_return note_deaf(side == Side::client ? Side::backend : Side::client, sent.error());
  }
  while (!leaving_) {
    const auto got = co_await from.receive({never, &receives_});
    if (leaving_ && !got) break;
    if (!got && got.error().kind != ErrorKind::closed) co_return note_failure(side, got.error());
    if (!got || got->empty()) {
      note_end(side);
      // Half-close: the other side may have more to say.
      (void)co_await to.finish({}, wait);
      co_return;
    }
    note(side, *got);
    const auto sent = co_await to.send(*got, wait);
    if (!sent) co_return note_deaf(side == Side::client ? Side::backend : Side::client, sent.error());
  }
  co_await part(side);
}

void Tunnel::leave(TunnelEnd why, const Farewell& farewell) {
  if (leaving_) return;
  if (end_ == TunnelEnd::none) end_ = why;
  leaving_ = std::make_unique<const Leaving>(
      Leaving{farewell, worker_.engine.now() + worker_.limits.close_answer_timeout});
  if (timer_) timer_->cancel();
  group_.spawn(end_in_time());
  receives_.request_stop();
}

// Whatever does not answer, or does not even take our Close.
io::Task<> Tunnel::end_in_time() {
  (void)co_await worker_.engine.sleep({leaving_->deadline, &group_.stop_source()});
  group_.stop();
}

io::Task<> Tunnel::part(Side side) {
  io::Stream& from = side == Side::client ? *client_ : *backend_;
  io::Stream& to = side == Side::client ? *backend_ : *client_;
  const io::Wait wait{never, &group_.stop_source()};
  Direction& direction = side == Side::client ? from_client_ : from_backend_;
  const Told told{direction, worker_.tunnel_frames.directions[static_cast<std::size_t>(side)]};
  bool closed = direction.frames.close_seen();  // and it was passed on
  while (!direction.frames.between_frames() && !direction.frames.opaque()) {
    const auto got = co_await from.receive(wait);
    if (!got || got->empty()) break;
    const std::size_t size = direction.frames.observe_to_boundary(*got, told);
    closed = direction.frames.close_seen();
    const bool at_boundary = direction.frames.between_frames();
    // What stands behind the boundary goes nowhere; its Close is seen all the same.
    if (at_boundary) direction.frames.observe(got->substr(size), told);
    direction.bytes += size;
    if (!co_await to.send(got->substr(0, size), wait)) break;
    if (at_boundary) break;
  }
  if (!closed && !direction.frames.opaque()) co_await send_close(side);
  while (!direction.frames.close_seen() && !direction.frames.opaque()) {
    const auto got = co_await from.receive(wait);
    if (!got || got->empty()) break;
    direction.frames.observe(*got, told);
  }
  if (++parted_ + sides_ended_ >= 2) group_.stop();
}

io::Task<> Tunnel::send_close(Side from) {
  const Farewell& farewell = leaving_->farewell;
  const std::string payload = websocket::close_payload(farewell.code, farewell.reason);
  std::string frame;
  if (from == Side::client)
    websocket::append_masked_frame(frame, websocket::Opcode::close, payload,
                                   static_cast<std::uint32_t>(worker_.engine.random().next()));
  else
    websocket::append_frame(frame, websocket::Opcode::close, payload);
  io::Stream& to = from == Side::client ? *backend_ : *client_;
  (void)co_await to.send(frame, {never, &group_.stop_source()});
}

void Tunnel::note(Side side, BytesView bytes) {
  const auto at = static_cast<std::size_t>(side);
  Direction& direction = side == Side::client ? from_client_ : from_backend_;
  const auto before = direction.messages;
  direction.frames.observe(bytes, Told{direction, worker_.tunnel_frames.directions[at]});
  direction.bytes += bytes.size();
  if (telemetry::RouteTunnels* route = route_counters()) {
    route->bytes[at].add(bytes.size());
    route->messages[at].add(direction.messages - before);
  }
  if (timer_ && (side == Side::backend || !tag_.only_backend_counts)) timer_->touch();
  if (end_ == TunnelEnd::none && direction.frames.close_seen()) {
    end_ = side == Side::client ? TunnelEnd::client_closed : TunnelEnd::backend_closed;
  }
}

telemetry::RouteTunnels* Tunnel::route_counters() const {
  const auto& counters = tag_.names->counters;
  return counters ? &counters->by_worker[worker_.index] : nullptr;
}

void Tunnel::end_after_silence(Duration limit) {
  if (leaving_) return;  // that has its own time
  if (!timer_) timer_ = std::make_unique<ActivityTimer>(worker_.engine, group_.stop_source());
  timer_->start(limit);
}

void Tunnel::note_end(Side side) {
  if (end_ == TunnelEnd::none)
    end_ = side == Side::client ? TunnelEnd::client_ended : TunnelEnd::backend_ended;
  if (++sides_ended_ == 1) end_after_silence(worker_.limits.half_closed_timeout);
}

// A side that takes no more may still have said something: its own pump reads what the kernel has of it (a
// Close frame, often), meets the end, and stops the tunnel then.
void Tunnel::note_deaf(Side side, const Error& error) {
  if (error.kind != ErrorKind::reset) return note_failure(side, error);
  end_after_silence(worker_.limits.half_closed_timeout);
}

void Tunnel::note_failure(Side side, const Error& error) {
  if (error.kind == ErrorKind::stopped) return;
  if (end_ == TunnelEnd::none) {
    if (error.kind == ErrorKind::reset)
      end_ = side == Side::client ? TunnelEnd::client_reset : TunnelEnd::backend_reset;
    else
      end_ = error.kind == ErrorKind::timed_out ? TunnelEnd::dead_peer
             : error.kind == ErrorKind::tls     ? TunnelEnd::tls
                                                : TunnelEnd::failed;
  }
  group_.stop();
}

void Tunnel::end(TunnelEnd why) {
  if (end_ == TunnelEnd::none) end_ = why;
  group_.stop();
}

// The code of the Close that came first; 0 where none did.
std::uint16_t Tunnel::close_code() const {
  const bool by_client = end_ == TunnelEnd::client_closed || !from_backend_.frames.close_seen();
  return (by_client ? from_client_ : from_backend_).frames.close_code();
}

void Tunnel::count_end() {
  worker_.tunnel_frames.ends[static_cast<std::size_t>(end_)].add();
  if (telemetry::RouteTunnels* route = route_counters())
    route->closed[telemetry::CloseCodes::slot(close_code())].add();
}

void Tunnel::log_close() {
  if (!worker_.access_log.on()) return;
  const RouteNames& names = *tag_.names;
  std::string trace;
  append_hex(trace, {tag_.trace_id.data(), tag_.trace_id.size()});
  const std::string ip = tag_.client_ip.to_string();
  const double seconds = std::chrono::duration<double>(worker_.engine.now() - opened_).count();
  telemetry::AccessRecord record;
  record.time = worker_.engine.wall();
  record.resource_id = names.resource_id;
  record.listener = names.listener;
  record.rule = names.rule;
  record.pool = names.pool;
  record.settings = names.settings;
  record.client_ip = ip;
  record.client_port = tag_.client_port;
  record.status = 101;
  record.received_bytes = from_client_.bytes;
  record.sent_bytes = from_backend_.bytes;
  record.taken_seconds = seconds;
  record.transaction_id = trace;
  record.server_routed = tag_.seat.member()->address;
  telemetry::TunnelClose close;
  close.cause = to_string(end_);
  close.seconds = seconds;
  const auto fill = [](telemetry::TunnelClose::Direction& out, const Direction& direction) {
    out.messages = direction.messages;
    out.bytes = direction.bytes;
    out.opaque = direction.frames.opaque();
    const auto remembered = std::min<std::uint32_t>(direction.frames_seen, Direction::frames_remembered);
    for (std::uint32_t i = direction.frames_seen - remembered; i < direction.frames_seen; ++i) {
      const auto& frame = direction.last_frames[i % Direction::frames_remembered];
      const websocket::FrameHeader header{frame.bytes, frame.first};
      out.last_frames.push_back({header.opcode(), header.fin(), header.length});
    }
  };
  fill(close.from_client, from_client_);
  fill(close.from_backend, from_backend_);
  switch (end_) {
    case TunnelEnd::client_closed:
    case TunnelEnd::client_ended:
    case TunnelEnd::client_reset: close.side = "client"; break;
    case TunnelEnd::backend_closed:
    case TunnelEnd::backend_ended:
    case TunnelEnd::backend_reset: close.side = "backend"; break;
    default: break;
  }
  if (end_ == TunnelEnd::client_closed || end_ == TunnelEnd::backend_closed) {
    const auto& frames = (end_ == TunnelEnd::client_closed ? from_client_ : from_backend_).frames;
    close.code = frames.close_code();
    close.reason = frames.close_reason();
  }
  worker_.access_log.tunnel_closed(record, trace, close);
}

io::Task<> run_tunnel(std::unique_ptr<Tunnel> tunnel) { co_await tunnel->run(); }

}  // namespace passerelle::proxy
