// How a tunnel speaks for itself: pings where its listener has keepers, and a Close to both sides when it
// leaves.
#include "protocol/websocket/frame.h"
#include "proxy/tunnel.h"
#include "proxy/tunnel_kept.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

io::Task<> Tunnel::pump_kept(TunnelSide side) {
  Keeper& keeper = kept_->keeper;
  const io::Wait wait{never, &group_.stop_source()};
  while (!leaving_) {
    // Pings to the other side are this pump's: it is who sends there.
    const bool ready = may_ping(other(side)) && directions_[at(side)].frames.between_frames();
    // A frozen one looks again by and by: what it does then is for the thaw.
    const TimePoint due = frozen_ ? worker_.engine.now() + std::chrono::seconds(1)
                          : ready ? keeper.next_ping(other(side))
                                  : never;
    const auto got = co_await stream(side).receive({due, &kept_->receives});
    if (leaving_ && !got) break;
    if (!got && got.error().kind == ErrorKind::timed_out && worker_.engine.now() >= due) {
      if (!frozen_ && !co_await ping(other(side))) co_return;
      continue;
    }
    if (!got && got.error().kind != ErrorKind::closed) co_return note_failure(side, got.error());
    if (!got || got->empty()) {
      note_end(side);
      (void)co_await stream(other(side)).finish(keeper.held(side), wait);
      co_return;
    }
    auto buffer = worker_.http_workspace.buffers.take();
    const auto passed = keeper.pass(side, *got, buffer->bytes, worker_.engine.now());
    // A ping that is due goes out where a frame ends, also within what has come.
    const std::size_t first = passed.boundary.value_or(buffer->bytes.size());
    sending_[at(side)] = true;
    const TimePoint began = worker_.engine.now();
    bool sent = co_await send_on(side, BytesView(buffer->bytes).substr(0, first));
    if (sent && passed.verdict == Keeper::Verdict::fine) sent = co_await ping(other(side));
    sent = sent && co_await send_on(side, BytesView(buffer->bytes).substr(first));
    sending_[at(side)] = false;
    // Meanwhile nobody has listened to this side.
    if (const Duration waited = worker_.engine.now() - began; waited > Duration::zero()) {
      keeper.excuse(side, worker_.engine.now());
      if (side == TunnelSide::client) keeper.credit(waited);
    }
    if (!sent) co_return;
    leave_for(passed.verdict);
  }
  co_await part(side);
}

io::Task<bool> Tunnel::send_on(TunnelSide from, BytesView bytes) {
  if (bytes.empty()) co_return true;
  note(from, bytes);
  const auto sent = co_await stream(other(from)).send(bytes, {never, &group_.stop_source()});
  if (!sent) note_deaf(other(from), sent.error());
  co_return sent.has_value();
}

bool Tunnel::may_ping(TunnelSide to) const {
  return !ended_[at(to)] && !directions_[0].frames.close_seen() && !directions_[1].frames.close_seen();
}

io::Task<bool> Tunnel::ping(TunnelSide to) {
  const TimePoint now = worker_.engine.now();
  if (now < kept_->keeper.next_ping(to) || !may_ping(to) ||
      !directions_[at(other(to))].frames.between_frames())
    co_return true;
  // Nobody reads what that side says while its pump waits for this one to take it.
  if (sending_[at(to)]) {
    kept_->keeper.excuse(to, now);
    co_return true;
  }
  const auto frame = kept_->keeper.ping(to, now, worker_.engine.random());
  if (!frame) {
    leave(TunnelEnd::dead_peer, {.code = 1001, .reason = "the other side does not answer pings"});
    co_return true;
  }
  const auto sent = co_await stream(to).send(*frame, {never, &group_.stop_source()});
  if (!sent) note_deaf(to, sent.error());
  co_return sent.has_value();
}

void Tunnel::leave_for(Keeper::Verdict verdict) {
  using Verdict = Keeper::Verdict;
  switch (verdict) {
    case Verdict::fine: return;
    case Verdict::message_too_long:
      return leave(TunnelEnd::limit, {.code = 1009, .reason = "a message is longer than messageBytesMax"});
    case Verdict::too_many_messages:
      return leave(TunnelEnd::limit,
                   {.code = 1008, .reason = "more messages a second than messagesPerSecondMax"});
    case Verdict::too_many_bytes:
      return leave(TunnelEnd::limit, {.code = 1008, .reason = "more bytes a second than bytesPerSecondMax"});
  }
}

void Tunnel::leave(TunnelEnd why, const Farewell& farewell) {
  if (leaving_) return;
  if (frozen_) {
    put_off_ = std::make_unique<const PutOff>(PutOff{why, farewell});
    return;
  }
  if (end_ == TunnelEnd::none) end_ = why;
  leaving_ = std::make_unique<const Leaving>(
      Leaving{farewell, worker_.engine.now() + worker_.limits.close_answer_timeout});
  if (timer_) timer_->cancel();
  group_.spawn(end_in_time());
  if (kept_) kept_->receives.request_stop();
  for (const TunnelSide side : {TunnelSide::client, TunnelSide::backend}) start(side);
}

// Whatever does not answer, or does not even take our Close.
io::Task<> Tunnel::end_in_time() {
  (void)co_await worker_.engine.sleep({leaving_->deadline, &group_.stop_source()});
  group_.stop();
}

io::Task<> Tunnel::part(TunnelSide side) {
  io::Stream& from = stream(side);
  io::Stream& to = stream(other(side));
  const io::Wait wait{never, &group_.stop_source()};
  TunnelDirection& direction = directions_[at(side)];
  const TunnelFrameCounter told = counter_of(side);
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
  // What a keeper has held back of a frame goes nowhere either; but it is where what follows begins.
  if (kept_) direction.frames.observe(kept_->keeper.held(side), told);
  while (!direction.frames.close_seen() && !direction.frames.opaque()) {
    const auto got = co_await from.receive(wait);
    if (!got || got->empty()) break;
    direction.frames.observe(*got, told);
  }
  if (++parted_ + sides_ended() >= tunnel_sides) group_.stop();
}

io::Task<> Tunnel::send_close(TunnelSide from) {
  const Farewell& farewell = leaving_->farewell;
  const std::string payload = websocket::close_payload(farewell.code, farewell.reason);
  std::string frame;
  if (from == TunnelSide::client)
    websocket::append_masked_frame(frame, websocket::Opcode::close, payload,
                                   static_cast<std::uint32_t>(worker_.engine.random().next()));
  else
    websocket::append_frame(frame, websocket::Opcode::close, payload);
  (void)co_await stream(other(from)).send(frame, {never, &group_.stop_source()});
}

}  // namespace passerelle::proxy
