// Follows the frames of one direction of a tunnel (RFC 6455 section 5.2) without touching a byte.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "base/binary.h"
#include "base/bytes.h"

namespace passerelle::websocket {

// A frame's header as it passed.
struct FrameHeader {
  std::uint64_t length = 0;
  std::uint8_t first = 0;  // FIN, reserved bits, opcode

  static constexpr std::uint8_t close = 8, ping = 9, pong = 10;
  static constexpr std::size_t bytes_max = 14;
  [[nodiscard]] bool fin() const { return (first & 0x80) != 0; }
  [[nodiscard]] std::uint8_t opcode() const { return first & 0x0f; }
  [[nodiscard]] bool is_control() const { return opcode() >= close; }
  // Whether RFC 6455 section 5.2 knows such a frame.
  [[nodiscard]] bool is_known() const;
};

// Reads each frame's 2 to 14 header bytes, skips the payload, never unmasks it but for a Close's code and
// reason. A stream that is not WebSocket framing is marked opaque and looked at no more. A plain value of 32
// bytes, and no memory until a Close passes.
class FrameObserver {
 public:
  FrameObserver() = default;
  FrameObserver(const FrameObserver& other);
  FrameObserver(FrameObserver&&) = default;
  FrameObserver& operator=(FrameObserver&&) = default;
  ~FrameObserver() = default;

  // `told` hears of each header: told.on_frame(const FrameHeader&), and of each message's end:
  // told.on_message(std::uint64_t payload_bytes).
  template <class Told>
  void observe(BytesView bytes, Told&& told) {
    (void)follow(bytes, told, false);
  }
  // The same as far as the end of the frame under way; how many bytes that were.
  template <class Told>
  std::size_t observe_to_boundary(BytesView bytes, Told&& told) {
    return between_frames() ? 0 : bytes.size() - follow(bytes, told, true).size();
  }
  void observe(BytesView bytes) { observe(bytes, Nobody{}); }

  // All of its state, and an observer that goes on from there; what nobody could have saved becomes opaque.
  void save(BinaryWriter& out) const;
  [[nodiscard]] static FrameObserver restored(BinaryReader& in);

  [[nodiscard]] bool opaque() const { return opaque_; }
  // True at a frame boundary: the only place where a frame of our own could stand.
  [[nodiscard]] bool between_frames() const { return have_ == 0 && payload_left_ == 0 && !opaque_; }

  // The header at the front of bytes that stand at a frame boundary, and its size; 0 where it is cut.
  [[nodiscard]] static std::size_t read_header(BytesView bytes, FrameHeader& header);
  // Of the frame under way, and not yet seen, where nothing but its length matters; 0 in a header.
  [[nodiscard]] std::uint64_t data_left() const {
    return have_ == 0 && !opaque_ && !FrameHeader{0, first_}.is_control() ? payload_left_ : 0;
  }
  // So much of it, at most data_left(), went by unseen.
  void skip(std::uint64_t bytes) { payload_left_ -= bytes; }

  [[nodiscard]] bool close_seen() const { return close_ != nullptr; }
  // Of the first Close; 1005 where it had no code, 0 before it.
  [[nodiscard]] std::uint16_t close_code() const;
  // As it came: whoever writes it somewhere sees to what it may hold.
  [[nodiscard]] BytesView close_reason() const;

 private:
  struct Nobody {
    void on_frame(const FrameHeader& /*header*/) const {}
    void on_message(std::uint64_t /*payload_bytes*/) const {}
  };
  // What is left of them.
  template <class Told>
  BytesView follow(BytesView bytes, Told& told, bool to_boundary) {
    while (!bytes.empty() && !opaque_) {
      if (have_ == 0 && payload_left_ > 0) {
        const auto n = std::min<std::uint64_t>(payload_left_, bytes.size());
        if (in_close_) close_payload(bytes.substr(0, n));
        payload_left_ -= n;
        bytes.remove_prefix(n);
      } else {
        // Whole, nearly always.
        const std::size_t whole = have_ == 0 ? whole_header(bytes) : 0;
        const bool complete =
            whole > 0 ? end_header() : header_byte(static_cast<std::uint8_t>(bytes.front()));
        bytes.remove_prefix(std::max<std::size_t>(whole, 1));
        if (complete) tell(told);
      }
      if (to_boundary && between_frames()) break;
    }
    return bytes;
  }
  template <class Told>
  void tell(Told& told) {
    const FrameHeader header{payload_left_, first_};
    told.on_frame(header);
    if (header.is_control()) return;
    message_bytes_ += header.length;
    if (header.fin()) told.on_message(std::exchange(message_bytes_, 0));
  }

  // Unmasked, as far as it has passed; 125 bytes at most.
  struct Close {
    std::string payload;
  };
  // Takes the header at the front and returns its size; 0 where it is cut.
  std::size_t whole_header(BytesView bytes);
  // The same for one byte of it. True: it is complete, and payload_left_ the frame's length.
  bool header_byte(std::uint8_t byte);
  [[nodiscard]] bool end_header();
  void close_payload(BytesView payload);

  std::uint64_t payload_left_ = 0;   // while a header is read: its length, as far as known
  std::uint64_t message_bytes_ = 0;  // of the fragments before this frame
  std::unique_ptr<Close> close_;
  std::array<std::uint8_t, 4> mask_{};
  std::uint8_t first_ = 0;
  std::uint8_t second_ = 0;
  std::uint8_t have_ = 0;  // header bytes seen
  bool in_close_ : 1 = false;
  bool opaque_ : 1 = false;
};

static_assert(sizeof(FrameObserver) <= 32);

}  // namespace passerelle::websocket
