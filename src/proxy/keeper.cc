#include "proxy/keeper.h"

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
    leg.ping.clear();
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
  if (!leg.ping.empty() && leg.heard < leg.sent) return std::nullopt;
  // Who says other things and leaves pings alone is alive; his round trip is measured when he answers.
  leg.next_ping = now + *settings_.ping_interval;
  leg.ping.resize(websocket::FrameGate::ping_bytes);
  random.fill({leg.ping.data(), leg.ping.size()});
  leg.sent = now;
  std::string frame;
  if (to == TunnelSide::backend)
    websocket::append_masked_frame(frame, websocket::Opcode::ping, leg.ping,
                                   static_cast<std::uint32_t>(random.next()));
  else
    websocket::append_frame(frame, websocket::Opcode::ping, leg.ping);
  return frame;
}

void Keeper::save(BinaryWriter& out) const {
  for (const Leg& leg : legs_) {
    leg.gate.save(out);
    out.text(leg.ping);
    for (const TimePoint time : {leg.sent, leg.heard, leg.next_ping})
      out.number(time.time_since_epoch().count());
    out.number(leg.round_trip.count());
  }
}

void Keeper::restore(BinaryReader& in) {
  for (Leg& leg : legs_) {
    leg.gate = websocket::FrameGate::restored(in);
    leg.ping = in.text();
    for (TimePoint* time : {&leg.sent, &leg.heard, &leg.next_ping})
      *time = TimePoint(TimePoint::duration(in.number<TimePoint::rep>()));
    leg.round_trip = Duration(in.number<Duration::rep>());
    if (!settings_.ping_interval) leg.next_ping = never;
  }
}

}  // namespace passerelle::proxy
