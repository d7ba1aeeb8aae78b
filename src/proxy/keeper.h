// What keeps a tunnel in shape where its listener asks for it: pings on both legs, limits on what the client
// sends.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "base/binary.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/token_bucket.h"
#include "model/keepers.h"
#include "protocol/websocket/frame_gate.h"
#include "proxy/tunnel_direction.h"

namespace passerelle::proxy {

// A value of one tunnel; its pumps ask it. No I/O.
class Keeper {
 public:
  Keeper(const model::Keepers& settings, TimePoint now);

  enum class Verdict : std::uint8_t { fine, message_too_long, too_many_messages, too_many_bytes };
  // What came from that side: appends what goes on to `out`. After anything but `fine` the tunnel is to
  // leave.
  struct Passed {
    Verdict verdict = Verdict::fine;
    std::optional<std::size_t> boundary = {};  // see FrameGate
  };
  Passed pass(TunnelSide from, BytesView in, std::string& out, TimePoint now);
  // Held back: see FrameGate.
  [[nodiscard]] BytesView held(TunnelSide from) const { return legs_[at(from)].gate.held(); }

  // When a ping to that side is due; never where none is asked for.
  [[nodiscard]] TimePoint next_ping(TunnelSide to) const { return legs_[at(to)].next_ping; }
  // Nobody has listened to that side for a while: what it may have said meanwhile counts as heard, and a ping
  // is due an interval later.
  void excuse(TunnelSide side, TimePoint now);
  // The client's bytes waited here for so long, because the member did not take them: what it has sent since
  // comes all at once.
  void credit(Duration waited);
  // It is due: the frame to send, or none, because that side has said nothing since the last one.
  [[nodiscard]] std::optional<std::string> ping(TunnelSide to, TimePoint now, Random& random);
  // From a ping to its answer, the last time; zero: not measured yet.
  [[nodiscard]] Duration round_trip(TunnelSide side) const { return legs_[at(side)].round_trip; }

  void save(BinaryWriter& out) const;
  void restore(BinaryReader& in);

 private:
  struct Leg {
    websocket::FrameGate gate;  // of what comes from there
    std::string
        ping;  // the payload of the last one: four bytes of this leg's, four of its own; empty: none yet
    bool awaited = false;  // its answer has not come
    TimePoint sent{};
    TimePoint heard{};
    TimePoint next_ping = never;
    Duration round_trip{};
  };
  model::Keepers settings_;
  std::array<Leg, tunnel_sides> legs_;
  TokenBucket messages_;
  TokenBucket bytes_;
};

}  // namespace passerelle::proxy
