// Reads a chunked body (RFC 9112 section 7.1), strictly: the gateway forwards its own framing, never the
// sender's.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/limits.h"
#include "protocol/http1/head_parser.h"

namespace passerelle::http1 {

// A plain object fed with bytes, cut anywhere. Refused: signs, blanks, prefixes and overflow in a size, bare
// CR or LF, a missing CRLF behind a chunk. Extensions are read over, up to a limit. Trailers land in
// `trailers`.
class ChunkedDecoder {
 public:
  struct Piece {
    BytesView data;            // body bytes, within what was fed
    std::size_t consumed = 0;  // of what was fed, `data` included
    bool finished = false;     // the last chunk and the trailers were read
  };
  // The next piece. Call again with the rest until `consumed` is all or `finished`.
  [[nodiscard]] Parsed<Piece> next(BytesView bytes, const Limits& limits, MessageHead& trailers);

  void reset() { *this = ChunkedDecoder(); }

 private:
  // size → (extension) → size_lf → data → data_cr → data_lf → size …; a size of 0 → trailers → done
  enum class State : std::uint8_t { size, extension, size_lf, data, data_cr, data_lf, trailers, done };

  Parsed<bool> line_byte(char c, const Limits& limits);

  std::uint64_t left_ = 0;
  std::uint32_t line_bytes_ = 0;
  std::uint8_t digits_ = 0;
  State state_ = State::size;
  HeadParser trailer_parser_{HeadKind::trailers};
};

// Appends one chunk, or nothing for no data: an empty chunk would end the body.
void append_chunk(std::string& out, BytesView data);

}  // namespace passerelle::http1
