#include "protocol/http1/chunked_decoder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "protocol/http1/characters.h"

namespace passerelle::http1 {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// 15 digits hold any size that can be sent, and cannot overflow.
constexpr std::uint8_t size_digits_max = 15;

}  // namespace

Parsed<ChunkedDecoder::Piece> ChunkedDecoder::next(BytesView bytes, const Limits& limits,
                                                   MessageHead& trailers) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == State::data) {
      const auto n = std::min<std::uint64_t>(left_, bytes.size() - at);
      left_ -= n;
      if (left_ == 0) state_ = State::data_cr;
      return Piece{bytes.substr(at, n), at + n, false};
    }
    if (state_ == State::trailers) {
      const auto progress = trailer_parser_.feed(bytes.substr(at), limits, trailers);
      if (!progress) return std::unexpected(progress.error());
      if (progress->complete) state_ = State::done;
      return Piece{{}, at + progress->consumed, progress->complete};
    }
    if (state_ == State::done) break;
    if (auto ok = line_byte(bytes[at], limits); !ok) return std::unexpected(ok.error());
    ++at;
  }
  return Piece{{}, at, state_ == State::done};
}

Parsed<bool> ChunkedDecoder::line_byte(char c, const Limits& limits) {
  if (++line_bytes_ > limits.chunk_line_bytes_max)
    return refuse(400, "a chunk's size line is longer than chunk_line_bytes_max");
  switch (state_) {
    case State::size:
      if (const int digit = hex_value(c); digit >= 0) {
        if (++digits_ > size_digits_max) return refuse(400, "a chunk's size is too large");
        left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
        return true;
      }
      if (digits_ == 0) return refuse(400, "a chunk's size is not a hexadecimal number");
      if (c == '\r')
        state_ = State::size_lf;
      else if (c == ';')
        state_ = State::extension;
      else
        return refuse(400, "a chunk's size is not a hexadecimal number");
      return true;
    case State::extension:
      if (c == '\r')
        state_ = State::size_lf;
      else if (!is(c, value_character))
        return refuse(400, "a chunk's extension holds a control character");
      return true;
    case State::size_lf:
      if (c != '\n') return refuse(400, "a chunk's size line does not end in CRLF");
      state_ = left_ == 0 ? State::trailers : State::data;
      return true;
    case State::data_cr:
      if (c != '\r') return refuse(400, "a chunk is longer than its size says");
      state_ = State::data_lf;
      return true;
    case State::data_lf:
      if (c != '\n') return refuse(400, "a chunk does not end in CRLF");
      state_ = State::size;
      digits_ = 0;
      line_bytes_ = 0;
      return true;
    case State::data:
    case State::trailers:
    case State::done: return true;
  }
  return true;
}

void append_chunk(std::string& out, BytesView data) {
  if (data.empty()) return;
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  out.append(size.data(), end);
  out += "\r\n";
  out += data;
  out += "\r\n";
}

}  // namespace passerelle::http1
