// Where the frames of an HTTP/2 connection begin (RFC 9113 section 4.1).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace passerelle::http2 {

using StreamId = std::int32_t;

enum class FrameType : std::uint8_t { data = 0, headers = 1, priority = 2, continuation = 9 };

struct FrameHead {
  std::size_t length = 0;
  FrameType type{};
  StreamId stream = 0;
  StreamId depends_on = 0;  // of a PRIORITY frame
};

// A value of one connection, fed with all that comes in, cut anywhere.
class FrameScanner {
 public:
  struct Piece {
    BytesView bytes;                // to the end of a frame, or all there is
    std::optional<FrameHead> head;  // the frame that these bytes belong to, told once
  };

  // Takes the next piece off `bytes`, which are not empty.
  Piece next(BytesView& bytes) {
    Piece piece;
    std::size_t size = 0;
    if (preface_left_ > 0) {
      size = std::min(preface_left_, bytes.size());
      preface_left_ -= size;
    } else {
      while (size < bytes.size() && payload_left_ == 0 && !piece.head) piece.head = take(bytes[size++]);
      const std::size_t more = std::min(payload_left_, bytes.size() - size);
      payload_left_ -= more;
      size += more;
    }
    piece.bytes = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return piece;
  }

 private:
  static constexpr std::size_t preface_bytes = 24;  // section 3.4
  static constexpr std::size_t head_bytes = 9;
  static constexpr std::size_t dependency_bytes = 4;  // RFC 7540 section 6.3

  std::optional<FrameHead> take(char c) {
    head_[size_++] = static_cast<std::uint8_t>(c);
    if (size_ < head_bytes) return std::nullopt;
    FrameHead out;
    out.length = number(0, 3);
    out.type = static_cast<FrameType>(head_[3]);
    out.stream = static_cast<StreamId>(number(5, 4) & 0x7fffffffU);
    const bool depends = out.type == FrameType::priority && out.length >= dependency_bytes;
    if (depends && size_ < head_bytes + dependency_bytes) return std::nullopt;
    if (depends) out.depends_on = static_cast<StreamId>(number(head_bytes, 4) & 0x7fffffffU);
    payload_left_ = out.length - (depends ? dependency_bytes : 0);
    size_ = 0;
    return out;
  }
  [[nodiscard]] std::uint32_t number(std::size_t at, std::size_t bytes) const {
    std::uint32_t out = 0;
    for (std::size_t i = at; i < at + bytes; ++i) out = out << 8 | head_[i];
    return out;
  }

  std::array<std::uint8_t, head_bytes + dependency_bytes> head_{};
  std::size_t size_ = 0;  // of head_
  std::size_t preface_left_ = preface_bytes;
  std::size_t payload_left_ = 0;
};

}  // namespace passerelle::http2
