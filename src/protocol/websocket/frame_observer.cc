#include "protocol/websocket/frame_observer.h"

#include <algorithm>

namespace passerelle::websocket {
namespace {

constexpr std::uint8_t fin = 0x80, masked = 0x80, length_bits = 0x7f, opcode_bits = 0x0f;
constexpr std::uint8_t opcode_close = 8, opcode_pong = 10, opcode_binary = 2;
constexpr std::uint16_t no_status = 1005;

}  // namespace

void FrameObserver::observe(BytesView bytes) {
  while (!bytes.empty() && !opaque_) {
    if (payload_left_ > 0) {
      const auto n = std::min<std::uint64_t>(payload_left_, bytes.size());
      if (in_close_) close_payload(bytes.substr(0, n));
      payload_left_ -= n;
      bytes.remove_prefix(n);
      continue;
    }
    header_[have_++] = static_cast<std::uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (have_ == 2) {
      const std::uint8_t length = header_[1] & length_bits;
      need_ = static_cast<std::uint8_t>(2 +
                                        (length == 126   ? 2
                                         : length == 127 ? 8
                                                         : 0) +
                                        ((header_[1] & masked) ? 4 : 0));
    }
    if (have_ >= 2 && have_ == need_) end_header();
  }
}

void FrameObserver::end_header() {
  const std::uint8_t opcode = header_[0] & opcode_bits;
  const std::uint8_t short_length = header_[1] & length_bits;
  std::uint64_t length = short_length;
  if (short_length >= 126) {
    const std::size_t count = short_length == 126 ? 2 : 8;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = length << 8 | header_[2 + i];
  }
  const bool control = opcode >= opcode_close;
  if ((opcode > opcode_binary && !control) || opcode > opcode_pong ||
      (control && (length > 125 || !(header_[0] & fin))) || length >> 63 != 0) {
    opaque_ = true;
    return;
  }
  if (!control && (header_[0] & fin)) ++messages_;
  in_close_ = opcode == opcode_close && !close_seen_;
  if (in_close_) {
    close_seen_ = true;
    close_code_ = no_status;
    close_bytes_ = 0;
  }
  payload_left_ = length;
  // The mask stays in header_ until the next header's first byte; need_ says where it stands.
  have_ = 0;
}

void FrameObserver::close_payload(BytesView payload) {
  for (const char c : payload) {
    if (close_bytes_ == 2) return;
    auto byte = static_cast<std::uint8_t>(c);
    if (header_[1] & masked) byte ^= header_[static_cast<std::size_t>(need_ - 4 + close_bytes_)];
    if (++close_bytes_ == 1)
      close_first_ = byte;
    else
      close_code_ = static_cast<std::uint16_t>(close_first_ << 8 | byte);
  }
}

}  // namespace passerelle::websocket
