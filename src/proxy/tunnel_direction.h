// What is known of one direction of a tunnel: its frames, counted as they pass.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "base/binary.h"
#include "protocol/websocket/frame_observer.h"
#include "telemetry/tunnel_counters.h"

namespace passerelle::proxy {

// Which side of a tunnel; what a side sends goes to the other.
enum class TunnelSide : std::uint8_t { client, backend };
inline constexpr std::size_t tunnel_sides = 2;
[[nodiscard]] constexpr std::size_t at(TunnelSide side) { return static_cast<std::size_t>(side); }
[[nodiscard]] constexpr TunnelSide other(TunnelSide side) {
  return side == TunnelSide::client ? TunnelSide::backend : TunnelSide::client;
}

// A plain value.
struct TunnelDirection {
  static constexpr std::uint32_t frames_remembered = 3;
  // Behind a frame with so much payload, and in it, frames are passed on without coming by this process,
  // where they can be and are not short.
  static constexpr std::uint32_t long_frame_bytes = 32 * kibibyte;
  static constexpr std::uint32_t passed_bytes_min = 4 * kibibyte;
  struct Frame {
    std::uint32_t bytes = 0;  // of its payload; 4 GiB and more are one
    std::uint8_t first = 0;
  };

  websocket::FrameObserver frames;
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
  std::array<Frame, frames_remembered> last_frames;  // in turn
  std::uint32_t frames_seen = 0;                     // counted round

  // The frame under way, or between two the last one.
  [[nodiscard]] bool is_in_long_frames() const {
    return frames_seen > 0 && last_frames[(frames_seen - 1) % frames_remembered].bytes >= long_frame_bytes;
  }

  void save(BinaryWriter& out) const {
    frames.save(out);
    out.number(bytes).number(messages).number(frames_seen);
    for (const Frame& frame : last_frames) out.number(frame.bytes).number(frame.first);
  }
  [[nodiscard]] static TunnelDirection restored(BinaryReader& in) {
    TunnelDirection out;
    out.frames = websocket::FrameObserver::restored(in);
    out.bytes = in.number<std::uint64_t>();
    out.messages = in.number<std::uint64_t>();
    out.frames_seen = in.number<std::uint32_t>();
    for (Frame& frame : out.last_frames) {
      frame.bytes = in.number<std::uint32_t>();
      frame.first = in.number<std::uint8_t>();
    }
    return out;
  }
};

// What the observer tells of a direction's frames, on its way into the counters.
struct TunnelFrameCounter {
  TunnelDirection& direction;
  telemetry::TunnelFrames::Direction& counters;

  void on_frame(const websocket::FrameHeader& header) const {
    constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
    direction.last_frames[direction.frames_seen++ % TunnelDirection::frames_remembered] = {
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

}  // namespace passerelle::proxy
