// Reads the head of an HTTP/1 message, strictly (RFC 9112): what could be read two ways is refused.
#pragma once

#include <cstddef>

#include "base/bytes.h"
#include "base/limits.h"
#include "protocol/message_head.h"
#include "protocol/parse_error.h"

namespace passerelle::http1 {

enum class HeadKind : std::uint8_t { request, response, trailers };

// A plain object fed with bytes, cut anywhere; the outcome does not depend on the cuts. One message, then
// reset(). Refused: bare CR or LF, NUL and other controls, obs-fold, blanks before a colon, empty names, '#'
// in a target, versions other than 1.0 and 1.1, and everything over a limit.
class HeadParser {
 public:
  explicit HeadParser(HeadKind kind) : kind_(kind) {}

  struct Progress {
    std::size_t consumed = 0;
    bool complete = false;
  };
  // Takes bytes up to the end of the head, which it copies to `head` (cleared by the caller before the
  // first).
  [[nodiscard]] Parsed<Progress> feed(BytesView bytes, const Limits& limits, MessageHead& head);

  // True once a byte of a message was seen: an idle connection may still be closed without a word.
  [[nodiscard]] bool begun() const { return state_ != State::before || blank_lines_ > 0; }
  void reset() { *this = HeadParser(kind_); }

 private:
  enum class State : std::uint8_t { before, first_line, fields };
  class Taken;

  Parsed<bool> before_first_line(char c, std::size_t at);
  Parsed<bool> end_line(std::string_view line, const Limits& limits, MessageHead& head);
  static Parsed<bool> request_line(std::string_view line, std::size_t line_at, const Limits& limits,
                                   MessageHead& head);
  static Parsed<bool> status_line(std::string_view line, std::size_t line_at, MessageHead& head);
  static Parsed<bool> field_line(std::string_view line, std::size_t line_at, const Limits& limits,
                                 MessageHead& head);
  std::size_t plain_fields(BytesView bytes, const Limits& limits, MessageHead& head);
  [[nodiscard]] const char* over_a_limit(const Limits& limits, std::size_t size) const;

  HeadKind kind_;
  State state_ = State::before;
  std::uint8_t blank_lines_ = 0;
  std::uint32_t line_at_ = 0;    // where the current line begins in head.text
  std::uint32_t fields_at_ = 0;  // where the first field begins
};

}  // namespace passerelle::http1
