#include "proxy/keeper.h"

#include <algorithm>

#include "protocol/websocket/frame.h"

namespace passerelle::proxy {
namespace {

// So much at once as in a second.
Rate rate_of(std::optional<std::uint64_t> per_second) {
  const auto number = static_cast<double>(per_second.value_or(0));
  return {number, number};
}

}  // namespace

Keeper::Keeper(const model::Keepers& settings, TimePoint now)
    : settings_(settings),
      messages_(rate_of(settings.messages_per_second_max)),
      bytes_(rate_of(settings.bytes_per_second_max)) {
  for (Leg& leg : legs_) {
    leg.heard = now;
    if (settings_.ping_interval) leg.next_ping = now + *settings_.ping_interval;
  }
}

Keeper::Passed Keeper::pass(TunnelSide from, BytesView in, std::string& out, TimePoint now) {
  Leg& leg = legs_[at(from)];
  const bool client = from == TunnelSide::client;
  leg.heard = now;
  // Also what is too much goes on, as far as it is here: it may be the middle of a frame, where nothing can
  // end.
  const bool too_many_bytes =
      client && settings_.bytes_per_second_max && !bytes_.take(now, static_cast<double>(in.size()));
  const auto most = client ? settings_.message_bytes_max : std::nullopt;
  const auto passed = leg.gate.pass(in, out, most, leg.ping);
  if (passed.answered) {
    leg.round_trip = now - leg.sent;
    leg.awaited = false;
  }
  Passed out_of{Verdict::fine, passed.boundary};
  if (passed.verdict != websocket::FrameGate::Verdict::fine)
    out_of.verdict = Verdict::message_too_long;
  else if (client && settings_.messages_per_second_max && passed.messages > 0 &&
           !messages_.take(now, static_cast<double>(passed.messages)))
    out_of.verdict = Verdict::too_many_messages;
  else if (too_many_bytes)
    out_of.verdict = Verdict::too_many_bytes;
  return out_of;
}

std::optional<std::string> Keeper::ping(TunnelSide to, TimePoint now, Random& random) {
  Leg& leg = legs_[at(to)];
  if (leg.awaited && leg.heard < leg.sent) return std::nullopt;
  // Who says other things and leaves pings alone is alive; his round trip is measured when he answers.
  leg.next_ping = now + *settings_.ping_interval;
  // The leg's own bytes stay, so that an answer to an earlier ping is known as one, too.
  const std::size_t own = leg.ping.empty() ? 0 : websocket::FrameGate::ping_prefix_bytes;
  leg.ping.resize(websocket::FrameGate::ping_bytes);
  random.fill({leg.ping.data() + own, leg.ping.size() - own});
  leg.awaited = true;
  leg.sent = now;
  std::string frame;
  if (to == TunnelSide::backend)
    websocket::append_masked_frame(frame, websocket::Opcode::ping, leg.ping,
                                   static_cast<std::uint32_t>(random.next()));
  else
    websocket::append_frame(frame, websocket::Opcode::ping, leg.ping);
  return frame;
}

void Keeper::excuse(TunnelSide side, TimePoint now) {
  Leg& leg = legs_[at(side)];
  leg.heard = now;
  if (settings_.ping_interval) leg.next_ping = std::max(leg.next_ping, now + *settings_.ping_interval);
}

void Keeper::credit(Duration waited) {
  messages_.credit(waited);
  bytes_.credit(waited);
}

void Keeper::save(BinaryWriter& out) const {
  for (const Leg& leg : legs_) {
    leg.gate.save(out);
    out.text(leg.ping).number(leg.awaited);
    for (const TimePoint time : {leg.sent, leg.heard, leg.next_ping})
      out.number(time.time_since_epoch().count());
    out.number(leg.round_trip.count());
  }
}

void Keeper::restore(BinaryReader& in) {
  for (Leg& leg : legs_) {
    leg.gate = websocket::FrameGate::restored(in);
    leg.ping = in.text();
    leg.awaited = in.number<std::uint8_t>() != 0;
    for (TimePoint* time : {&leg.sent, &leg.heard, &leg.next_ping})
      *time = TimePoint(TimePoint::duration(in.number<TimePoint::rep>()));
    leg.round_trip = Duration(in.number<Duration::rep>());
    if (!settings_.ping_interval) leg.next_ping = never;
  }
}

}  // namespace passerelle::proxy
