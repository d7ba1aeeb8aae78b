// Whole frames, for who speaks WebSocket itself: the demo backend; later a gateway's own Close.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "protocol/parse_error.h"

namespace passerelle::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// A value.
struct Frame {
  Opcode opcode = Opcode::text;
  bool fin = true;
  std::string payload;  // unmasked
};

// Server to client: unmasked (RFC 6455 section 5.1).
void append_frame(std::string& out, Opcode opcode, BytesView payload, bool fin = true);
// Client to server: masked. Control frames only, of at most 125 bytes.
void append_masked_frame(std::string& out, Opcode opcode, BytesView payload, std::uint32_t mask);
// Whether a Close may carry the code (section 7.4).
[[nodiscard]] bool may_be_sent(std::uint16_t code);
// The payload of a Close (section 5.5.1); `reason` is cut to what fits.
[[nodiscard]] std::string close_payload(std::uint16_t code, BytesView reason);

// Collects the frames a client sends. Refused: no mask, a reserved opcode or bit, control frames that are
// long or fragmented, payloads over the limit.
class FrameReader {
 public:
  explicit FrameReader(std::size_t payload_bytes_max) : payload_bytes_max_(payload_bytes_max) {}
  void feed(BytesView bytes) { buffer_ += bytes; }
  // The next whole frame, if it is there.
  [[nodiscard]] Parsed<std::optional<Frame>> next();

 private:
  std::size_t payload_bytes_max_;
  std::string buffer_;
  std::size_t at_ = 0;
};

}  // namespace passerelle::websocket
