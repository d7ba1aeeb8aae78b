#include "protocol/websocket/frame.h"

namespace passerelle::websocket {

void append_frame(std::string& out, Opcode opcode, BytesView payload, bool fin) {
  out += static_cast<char>((fin ? 0x80 : 0) | static_cast<int>(opcode));
  const std::uint64_t n = payload.size();
  if (n < 126) {
    out += static_cast<char>(n);
  } else {
    const int bytes = n < 65536 ? 2 : 8;
    out += static_cast<char>(bytes == 2 ? 126 : 127);
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  }
  out += payload;
}

void append_masked_frame(std::string& out, Opcode opcode, BytesView payload, std::uint32_t mask) {
  out += static_cast<char>(0x80 | static_cast<int>(opcode));
  out += static_cast<char>(0x80 | static_cast<int>(payload.size()));
  const auto mask_byte = [&](std::size_t i) { return static_cast<char>(mask >> (24 - 8 * (i % 4))); };
  for (std::size_t i = 0; i < 4; ++i) out += mask_byte(i);
  for (std::size_t i = 0; i < payload.size(); ++i) out += static_cast<char>(payload[i] ^ mask_byte(i));
}

bool may_be_sent(std::uint16_t code) {
  const bool standard = code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
  return standard || (code >= 3000 && code <= 4999);
}

std::string close_payload(std::uint16_t code, BytesView reason) {
  constexpr std::size_t reason_bytes_max = 123;
  std::string out{static_cast<char>(code >> 8), static_cast<char>(code)};
  out += reason.substr(0, reason_bytes_max);
  return out;
}

Parsed<std::optional<Frame>> FrameReader::next() {
  const BytesView rest = BytesView(buffer_).substr(at_);
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  if (rest.size() < 2) return std::nullopt;
  std::uint64_t length = byte(1) & 0x7f;
  std::size_t header = 2;
  if (length >= 126) {
    const std::size_t extra = length == 126 ? 2 : 8;
    if (rest.size() < 2 + extra) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte(2 + i);
    header += extra;
  }
  const unsigned opcode = byte(0) & 0x0f;
  const bool control = opcode >= 8;
  if ((byte(1) & 0x80) == 0) return refuse(1002, "a client's frame is not masked");
  if ((byte(0) & 0x70) != 0 || (opcode > 2 && opcode < 8) || opcode > 10)
    return refuse(1002, "a reserved bit or opcode");
  if (control && (length > 125 || (byte(0) & 0x80) == 0))
    return refuse(1002, "a control frame that is long or fragmented");
  if (length > payload_bytes_max_) return refuse(1009, "a message that is too large");
  if (rest.size() < header + 4 + length) return std::nullopt;
  Frame frame{static_cast<Opcode>(opcode), (byte(0) & 0x80) != 0,
              std::string(rest.substr(header + 4, length))};
  for (std::size_t i = 0; i < frame.payload.size(); ++i)
    frame.payload[i] = static_cast<char>(frame.payload[i] ^ rest[header + i % 4]);
  at_ += header + 4 + length;
  if (at_ == buffer_.size()) {
    buffer_.clear();
    at_ = 0;
  } else if (at_ > 64 * kibibyte) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  return frame;
}

}  // namespace passerelle::websocket
