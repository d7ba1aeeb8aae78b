// Follows the frames of one direction of a tunnel (RFC 6455 section 5.2) without touching a byte.
#pragma once

#include <array>
#include <cstdint>

#include "base/bytes.h"

namespace passerelle::websocket {

// Reads each frame's 2 to 14 header bytes, skips the payload, never unmasks it but for the two bytes of a
// close code. A stream that is not WebSocket framing is marked opaque and looked at no more. A plain value of
// 48 bytes.
class FrameObserver {
 public:
  void observe(BytesView bytes);

  [[nodiscard]] std::uint64_t messages() const { return messages_; }
  [[nodiscard]] bool opaque() const { return opaque_; }
  // True at a frame boundary: the only place where a frame of our own could stand.
  [[nodiscard]] bool between_frames() const { return have_ == 0 && payload_left_ == 0 && !opaque_; }
  [[nodiscard]] bool close_seen() const { return close_seen_; }
  [[nodiscard]] std::uint16_t close_code() const {
    return close_code_;
  }  // 1005 when the close frame had none

 private:
  void end_header();
  void close_payload(BytesView payload);

  std::uint64_t messages_ = 0;
  std::uint64_t payload_left_ = 0;
  std::array<std::uint8_t, 14> header_{};
  std::uint8_t have_ = 0;  // header bytes seen
  std::uint8_t need_ = 2;  // header bytes this frame has, as far as known
  std::uint16_t close_code_ = 0;
  std::uint8_t close_bytes_ = 0;
  std::uint8_t close_first_ = 0;
  bool close_seen_ = false;
  bool in_close_ = false;
  bool opaque_ = false;
};

static_assert(sizeof(FrameObserver) <= 48);

}  // namespace passerelle::websocket
