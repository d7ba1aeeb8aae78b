#include "proxy/tunnel.h"

#include "proxy/tunnel_kept.h"
#include "proxy/worker.h"

namespace passerelle::proxy {
namespace {

// A piece that is passed on may be as long as some slices are: it takes so many turns more.
constexpr int turns_a_piece = 4;

}  // namespace

template <TunnelSide side>
void TunnelEar<side>::on_readable() {
  static_cast<Tunnel&>(*this).start(side);
}

template <TunnelSide side>
void TunnelEar<side>::on_peer_finished() {
  static_cast<Tunnel&>(*this).start(side);
}

template <TunnelSide side>
void TunnelEar<side>::on_reset() {
  static_cast<Tunnel&>(*this).hear_reset(side);
}

// A pump's time at work; what it is afterwards.
class Tunnel::PumpRun {
 public:
  PumpRun(Tunnel& tunnel, TunnelSide side) : tunnel_(tunnel), side_(side) {
    tunnel_.pumps_[at(side_)] = Pump::running;
  }
  ~PumpRun() {
    tunnel_.pumps_[at(side_)] = then_;
    if (then_ == Pump::over && tunnel_.pumps_[at(other(side_))] == Pump::over) tunnel_.group_.stop();
  }
  PumpRun(const PumpRun&) = delete;
  PumpRun& operator=(const PumpRun&) = delete;

  void rest() { then_ = Pump::resting; }

 private:
  Tunnel& tunnel_;
  const TunnelSide side_;
  Pump then_ = Pump::over;
};

class Tunnel::Silence final : public ActivityTimer {
 public:
  explicit Silence(Tunnel& tunnel) : ActivityTimer(tunnel.worker_.engine), tunnel_(tunnel) {}

 private:
  void on_silence() override { tunnel_.on_silence(); }
  Tunnel& tunnel_;
};

Tunnel::Tunnel(Worker& worker, std::unique_ptr<io::Stream> client, std::unique_ptr<io::Stream> backend,
               TunnelTag tag)
    : worker_(worker),
      streams_{std::move(client), std::move(backend)},
      tag_(std::move(tag)),
      group_(worker.engine, &worker.stop()),
      opened_(worker.engine.now()),
      passes_on_(streams_[0]->can_pass_on() && streams_[1]->can_pass_on()) {
  worker_.tunnels.push_back(*this);
  worker_.counters.tunnels_open.add();
  if (telemetry::RouteTunnels* route = route_counters()) route->open.add();
  tag_.seat.member()->tunnels.fetch_add(1, std::memory_order_relaxed);
}

Tunnel::Tunnel(Worker& worker, TunnelPlan plan)
    : Tunnel(worker, std::move(plan.client), std::move(plan.backend), std::move(plan.tag)) {
  worker_.counters.tunnels_opened.add();
  if (telemetry::RouteTunnels* route = route_counters()) route->opened.add();
  if (tag_.names->keepers.any()) kept_ = std::make_unique<Kept>(*this, tag_.names->keepers);
  take_early(TunnelSide::client, std::move(plan.early_from_client));
  take_early(TunnelSide::backend, std::move(plan.early_from_backend));
  limit_silence(opened_);
}

Tunnel::Tunnel(Worker& worker, AdoptedTunnel adopted)
    : Tunnel(worker, std::move(adopted.client), std::move(adopted.backend), std::move(adopted.tag)) {
  MovedTunnel& state = adopted.state;
  opened_ = state.opened;
  end_ = state.end;
  ended_ = state.ended;
  for (const TunnelSide side : {TunnelSide::client, TunnelSide::backend}) {
    directions_[at(side)] = std::move(state.directions[at(side)]);
    keep_unsent(side, std::move(state.unsent[at(side)]));
  }
  if (tag_.names->keepers.any()) {
    kept_ = std::make_unique<Kept>(*this, tag_.names->keepers);
    BinaryReader saved(state.keeper);
    if (!state.keeper.empty()) kept_->keeper.restore(saved);
    excuse_all();
  }
  limit_silence(state.silent_since);
}

void Tunnel::take_early(TunnelSide side, std::string bytes) {
  if (bytes.empty()) return;
  auto verdict = Keeper::Verdict::fine;
  if (kept_) {
    std::string passed;
    verdict = kept_->keeper.pass(side, bytes, passed, opened_).verdict;
    bytes = std::move(passed);
  }
  note(side, bytes);
  keep_unsent(side, std::move(bytes));
  leave_for(verdict);
}

void Tunnel::keep_unsent(TunnelSide side, std::string bytes) {
  if (!bytes.empty()) unsent_[at(side)] = std::make_unique<std::string>(std::move(bytes));
}

Tunnel::~Tunnel() {
  worker_.counters.tunnels_open.subtract();
  if (telemetry::RouteTunnels* route = route_counters()) route->open.subtract();
  tag_.seat.member()->tunnels.fetch_sub(1, std::memory_order_relaxed);
}

std::optional<Tunnel::Frozen> Tunnel::freeze() {
  if (leaving_ || deaf_ || frozen_ || sending_[0] || sending_[1] || sides_ended() == tunnel_sides ||
      group_.stop_source().requested())
    return std::nullopt;
  if (!stream(TunnelSide::client).can_freeze() || !stream(TunnelSide::backend).can_freeze())
    return std::nullopt;
  const auto client = stream(TunnelSide::client).freeze();
  const auto backend = stream(TunnelSide::backend).freeze();
  frozen_ = true;
  const bool unread = !client.unread.empty() || !backend.unread.empty();
  // What freezing found out may be that a stream is broken; and a keeper's verdict on what is unread is not
  // for now.
  if (!stream(TunnelSide::client).can_freeze() || !stream(TunnelSide::backend).can_freeze() ||
      (kept_ && unread)) {
    thaw();
    return std::nullopt;
  }
  const board::Member& member = *tag_.seat.member();
  Frozen out{{.route = {tag_.names->resource_id, tag_.names->listener, tag_.names->rule, tag_.names->pool,
                        tag_.names->settings, tag_.names->keepers},
              .member = {member.name, member.endpoint.to_string(), member.settings_name, member.tls},
              .trace_id = tag_.trace_id,
              .client_ip = tag_.client_ip,
              .client_port = tag_.client_port,
              .idle_seconds_max = tag_.idle_seconds_max,
              .only_backend_counts = tag_.only_backend_counts,
              .opened = opened_,
              .silent_since = timer_ ? timer_->last() : worker_.engine.now(),
              .end = end_,
              .ended = ended_,
              .directions = directions_,
              // What the client has sent waits for the backend to take it, and the other way round.
              .unsent = {std::string(backend.unsent), std::string(client.unsent)},
              .keeper = {}},
             {client.descriptor, backend.descriptor}};
  if (kept_) {
    BinaryWriter saved;
    kept_->keeper.save(saved);
    out.state.keeper = saved.take();
  }
  if (timer_) timer_->pause();
  look_ahead(out.state, TunnelSide::client, client.unread);
  look_ahead(out.state, TunnelSide::backend, backend.unread);
  return out;
}

// Bytes this process has received but nobody has looked at: they move as if they had been, and wait to be
// sent. Should the tunnel stay, none of it has happened.
void Tunnel::look_ahead(MovedTunnel& state, TunnelSide side, BytesView unread) const {
  TunnelDirection& direction = state.directions[at(side)];
  telemetry::TunnelFrames::Direction not_counted;
  direction.frames.observe(unread, TunnelFrameCounter{direction, not_counted});
  direction.bytes += unread.size();
  state.unsent[at(side)] += unread;
  if (state.end == TunnelEnd::none && direction.frames.close_seen())
    state.end = side == TunnelSide::client ? TunnelEnd::client_closed : TunnelEnd::backend_closed;
}

void Tunnel::thaw() {
  if (!frozen_) return;
  frozen_ = false;
  if (timer_) timer_->resume();
  if (kept_) excuse_all();
  for (auto& stream : streams_) stream->thaw();
  const auto put_off = std::move(put_off_);
  if (put_off && put_off->farewell) return leave(put_off->why, *put_off->farewell);
  if (put_off) end(put_off->why);
}

void Tunnel::excuse_all() {
  for (const TunnelSide side : {TunnelSide::client, TunnelSide::backend})
    kept_->keeper.excuse(side, worker_.engine.now());
}

void Tunnel::let_go() {
  if (!frozen_) return;
  let_go_ = true;
  group_.stop();
}

io::Task<> Tunnel::run(std::unique_ptr<Tunnel> tunnel) {
  Tunnel& self = *tunnel;
  for (const TunnelSide side : {TunnelSide::client, TunnelSide::backend}) {
    if (self.ended_[at(side)]) self.pumps_[at(side)] = Pump::over;
  }
  if (self.sides_ended() == tunnel_sides) self.group_.stop();
  self.started_ = true;
  self.stream(TunnelSide::client).watch(static_cast<TunnelEar<TunnelSide::client>*>(&self));
  self.stream(TunnelSide::backend).watch(static_cast<TunnelEar<TunnelSide::backend>*>(&self));
  for (const TunnelSide side : {TunnelSide::client, TunnelSide::backend}) self.start(side);
  co_await self.group_.join();
  self.over();
}

void Tunnel::over() {
  if (timer_) timer_->cancel();
  for (auto& stream : streams_) stream->watch(nullptr);
  if (let_go_) return;
  if (end_ == TunnelEnd::none) end_ = TunnelEnd::shutdown;
  // A reset carries over: each side learns that the other did not end in order.
  if (end_ == TunnelEnd::client_reset || end_ == TunnelEnd::backend_reset || end_ == TunnelEnd::dead_peer) {
    for (auto& stream : streams_) stream->reset_on_close();
  }
  count_end();
  remember_end();
  log_close();
}

void Tunnel::start(TunnelSide side) {
  if (started_ && pumps_[at(side)] == Pump::resting && !stopping()) group_.spawn(pump(side));
}

// What came before it is still to be read. But who is not read from, because the other side is slow, is gone;
// and if that turns out later, its time is short.
void Tunnel::hear_reset(TunnelSide side) {
  if (pumps_[at(side)] == Pump::running && stream(other(side)).congested()) return end(reset_of(side));
  reset_ = side;
  limit_silence(worker_.engine.now());
  start(side);
}

TunnelEnd Tunnel::reset_of(TunnelSide side) {
  return side == TunnelSide::client ? TunnelEnd::client_reset : TunnelEnd::backend_reset;
}

// Until nothing is here, or this side ends: what it sends goes to the other. A message allocates nothing.
io::Task<> Tunnel::pump(TunnelSide side) {
  PumpRun run(*this, side);
  io::Stream& from = stream(side);
  io::Stream& to = stream(other(side));
  const io::Wait wait{never, &group_.stop_source()};
  if (auto& unsent = unsent_[at(side)]) {
    const auto sent = co_await to.send(*unsent, wait);
    unsent.reset();
    if (!sent) co_return note_deaf(other(side), sent.error());
  }
  if (kept_) co_return co_await pump_kept(side);
  while (!leaving_) {
    if (stopping()) co_return;
    if (!worker_.engine.take_turn()) {
      pumps_[at(side)] = Pump::yielding;
      co_await worker_.engine.yield();
      pumps_[at(side)] = Pump::running;
      continue;
    }
    if (const auto left = pass_frame(side)) {
      if (left->empty()) continue;
      const auto sent = co_await to.send(*left, wait);
      if (!sent) co_return note_deaf(other(side), sent.error());
      continue;
    }
    Result<BytesView> got;
    if (!from.try_receive(got)) co_return run.rest();
    if (!got && got.error().kind != ErrorKind::closed) co_return note_failure(side, got.error());
    if (!got || got->empty()) {
      note_end(side);
      // Half-close: the other side may have more to say. Where it has ended before, two sockets that are
      // closed at once say as much.
      if (sides_ended() < tunnel_sides || !passes_on_) (void)co_await to.finish({}, wait);
      co_return;
    }
    note(side, *got);
    const auto sent = co_await to.send(*got, wait);
    if (!sent) co_return note_deaf(other(side), sent.error());
  }
  co_await part(side);
}

std::optional<BytesView> Tunnel::pass_frame(TunnelSide side) {
  TunnelDirection& direction = directions_[at(side)];
  if (!passes_on_ || !direction.is_in_long_frames()) return std::nullopt;
  std::array<char, websocket::FrameHeader::bytes_max> looked_at{};
  BytesView header_bytes;
  std::uint64_t ahead = direction.frames.data_left();
  if (direction.frames.between_frames()) {
    const BytesView next = stream(side).peek({looked_at.data(), looked_at.size()});
    websocket::FrameHeader header;
    header_bytes = next.substr(0, websocket::FrameObserver::read_header(next, header));
    if (header_bytes.empty() || header.is_control() || !header.is_known()) return std::nullopt;
    ahead = header_bytes.size() + header.length;
    if (ahead < TunnelDirection::passed_bytes_min) return std::nullopt;
  }
  if (ahead == 0) return std::nullopt;
  const io::PassedOn passed = stream(side).pass_on(stream(other(side)), ahead);
  if (passed.bytes == 0) return std::nullopt;
  (void)worker_.engine.take_turn(turns_a_piece);
  header_bytes = header_bytes.substr(0, passed.bytes);
  if (!header_bytes.empty()) note(side, header_bytes);
  const std::size_t payload = passed.bytes - header_bytes.size();
  direction.frames.skip(payload);
  count(side, payload);
  return passed.left;
}

Duration Tunnel::round_trip(TunnelSide side) const {
  const Duration measured = kept_ ? kept_->keeper.round_trip(side) : Duration::zero();
  if (measured > Duration::zero()) return measured;
  return std::chrono::microseconds(streams_[at(side)]->round_trip_microseconds());
}

TunnelFrameCounter Tunnel::counter_of(TunnelSide side) {
  return {directions_[at(side)], worker_.tunnel_frames.directions[at(side)]};
}

void Tunnel::note(TunnelSide side, BytesView bytes) {
  TunnelDirection& direction = directions_[at(side)];
  const auto before = direction.messages;
  direction.frames.observe(bytes, counter_of(side));
  if (telemetry::RouteTunnels* route = route_counters())
    route->messages[at(side)].add(direction.messages - before);
  count(side, bytes.size());
  if (end_ == TunnelEnd::none && direction.frames.close_seen())
    end_ = side == TunnelSide::client ? TunnelEnd::client_closed : TunnelEnd::backend_closed;
}

void Tunnel::count(TunnelSide side, std::size_t bytes) {
  directions_[at(side)].bytes += bytes;
  if (telemetry::RouteTunnels* route = route_counters()) route->bytes[at(side)].add(bytes);
  if (timer_ && (side == TunnelSide::backend || !tag_.only_backend_counts)) timer_->touch();
}

telemetry::RouteTunnels* Tunnel::route_counters() const {
  const auto& counters = tag_.names->counters;
  return counters ? &counters->tunnels[worker_.index] : nullptr;
}

Duration Tunnel::silence_limit() const {
  if (sides_ended() > 0 || deaf_ || reset_) return worker_.limits.half_closed_timeout;
  return std::chrono::seconds(tag_.idle_seconds_max);
}

void Tunnel::limit_silence(TimePoint since) {
  const Duration limit = silence_limit();
  if (leaving_ || limit == Duration::zero()) return;  // a leaving has its own time
  if (!timer_) timer_ = std::make_unique<Silence>(*this);
  timer_->start(limit, since);
}

void Tunnel::on_silence() {
  if (reset_) return end(reset_of(*reset_));
  if (sides_ended() > 0 || deaf_)
    return leave(TunnelEnd::half_closed, {.code = 1001, .reason = "the other side has ended"});
  // requestTimeoutLimitsTunnels is Azure's way, and Azure says nothing.
  if (tag_.only_backend_counts) return end(TunnelEnd::idle);
  leave(TunnelEnd::idle, {.code = 1001, .reason = "idle for too long"});
}

void Tunnel::note_end(TunnelSide side) {
  if (end_ == TunnelEnd::none)
    end_ = side == TunnelSide::client ? TunnelEnd::client_ended : TunnelEnd::backend_ended;
  ended_[at(side)] = true;
  if (sides_ended() == 1) limit_silence(worker_.engine.now());
}

// A side that takes no more may still have said something: its own pump reads what the kernel has of it (a
// Close frame, often), meets the end, and stops the tunnel then.
void Tunnel::note_deaf(TunnelSide side, const Error& error) {
  if (error.kind != ErrorKind::reset) return note_failure(side, error);
  deaf_ = true;
  limit_silence(worker_.engine.now());
}

void Tunnel::note_failure(TunnelSide side, const Error& error) {
  if (error.kind == ErrorKind::stopped) return;
  if (end_ == TunnelEnd::none) {
    if (error.kind == ErrorKind::reset)
      end_ = reset_of(side);
    else
      end_ = error.kind == ErrorKind::timed_out ? TunnelEnd::dead_peer
             : error.kind == ErrorKind::tls     ? TunnelEnd::tls
                                                : TunnelEnd::failed;
  }
  group_.stop();
}

void Tunnel::end(TunnelEnd why) {
  if (frozen_) {
    put_off_ = std::make_unique<const PutOff>(PutOff{why, std::nullopt});
    return;
  }
  if (end_ == TunnelEnd::none) end_ = why;
  group_.stop();
}

}  // namespace passerelle::proxy
