#include "protocol/http1/head_parser.h"

#include <algorithm>

#include "base/text.h"
#include "protocol/http1/characters.h"

namespace passerelle::http1 {
namespace {

// RFC 9112 section 2.2: a server should ignore an empty line before a request; a few, not a stream of them.
constexpr std::uint8_t blank_lines_max = 4;
constexpr std::size_t method_bytes_max = 32;
// What a first line holds besides its target: a method, two blanks, "HTTP/1.1", CR.
constexpr std::size_t first_line_overhead = method_bytes_max + 11;
constexpr std::size_t status_line_bytes_max = 1024;

MessageHead::Span span(std::size_t at, std::string_view text) {
  return {static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(text.size())};
}

Parsed<int> minor_version(std::string_view version) {
  if (version.size() != 8 || !version.starts_with("HTTP/") || version[6] != '.') {
    return refuse(400, "the HTTP version cannot be read");
  }
  if (version == "HTTP/1.1") return 1;
  if (version == "HTTP/1.0") return 0;
  return refuse(505, "the HTTP version is neither 1.0 nor 1.1");
}

}  // namespace

Parsed<HeadParser::Progress> HeadParser::feed(BytesView bytes, const Limits& limits, MessageHead& head) {
  const std::size_t origin = head.text.size();  // where `bytes` will stand in the head
  std::size_t taken = 0, copied = 0;            // of `bytes`
  const auto copy = [&] {
    head.text += bytes.substr(copied, taken - copied);
    copied = taken;
  };
  Parsed<bool> complete = false;
  while (taken < bytes.size() && complete && !*complete) {
    if (state_ == State::before) {
      const auto begins = before_first_line(bytes[taken], origin + taken);
      if (!begins) complete = std::unexpected(begins.error());
      if (!begins || !*begins) {
        ++taken;
        continue;
      }
      state_ = kind_ == HeadKind::trailers ? State::fields : State::first_line;
    }
    const auto newline = bytes.find('\n', taken);
    taken = newline == BytesView::npos ? bytes.size() : newline + 1;
    complete = check_size(limits, origin + taken);
    if (!complete || newline == BytesView::npos) break;
    // A line that began in an earlier piece is put together where it will stand; others need not wait for
    // that.
    const bool cut = line_at_ < origin;
    if (cut) copy();
    complete = end_line(cut ? std::string_view(head.text).substr(line_at_)
                            : bytes.substr(line_at_ - origin, origin + taken - line_at_),
                        limits, head);
    line_at_ = static_cast<std::uint32_t>(origin + taken);
  }
  copy();
  if (!complete) return std::unexpected(complete.error());
  return Progress{taken, *complete};
}

// True: this byte begins the first line. Else it was one of an empty line's two, and is taken. Byte by byte,
// so that the first one already tells TLS, or noise, from HTTP, wherever it is cut.
Parsed<bool> HeadParser::before_first_line(char c, std::size_t at) {
  if (kind_ == HeadKind::trailers) return true;
  const bool in_blank_line = at > line_at_;
  if (!in_blank_line && is(c, token_character)) return true;
  if (c != (in_blank_line ? '\n' : '\r') || blank_lines_ >= blank_lines_max)
    return refuse(400, "this is not HTTP");
  if (in_blank_line) {
    ++blank_lines_;
    line_at_ = static_cast<std::uint32_t>(at + 1);
  }
  return false;
}

// False, where `size` bytes of head, the current line's last, are not too many.
Parsed<bool> HeadParser::check_size(const Limits& limits, std::size_t size) const {
  const std::size_t line_bytes = size - line_at_;
  if (state_ == State::first_line) {
    if (kind_ == HeadKind::request && line_bytes > limits.target_bytes_max + first_line_overhead) {
      return refuse(414, "the request target is longer than target_bytes_max");
    }
    if (kind_ == HeadKind::response && line_bytes > status_line_bytes_max) {
      return refuse(502, "the status line is longer than 1,024 bytes");
    }
    return false;
  }
  const std::size_t most = kind_ == HeadKind::trailers ? limits.trailer_bytes_max : limits.head_bytes_max;
  if (state_ == State::fields && size - fields_at_ > most) {
    return refuse(431, "the header fields are longer than head_bytes_max");
  }
  return false;
}

// True: the head is complete.
Parsed<bool> HeadParser::end_line(std::string_view line, const Limits& limits, MessageHead& head) {
  const auto next_at = static_cast<std::uint32_t>(line_at_ + line.size());
  if (line.size() < 2 || line[line.size() - 2] != '\r') return refuse(400, "a line ends in LF without CR");
  line.remove_suffix(2);
  switch (state_) {
    case State::before: return false;
    case State::first_line: {
      state_ = State::fields;
      fields_at_ = next_at;
      return kind_ == HeadKind::request ? request_line(line, line_at_, limits, head)
                                        : status_line(line, line_at_, head);
    }
    case State::fields:
      if (line.empty()) return true;
      return field_line(line, line_at_, limits, head);
  }
  return false;
}

Parsed<bool> HeadParser::request_line(std::string_view line, std::size_t line_at, const Limits& limits,
                                      MessageHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return refuse(400, "the request line has not three parts");
  const auto method = line.substr(0, first);
  const auto target = line.substr(first + 1, last - first - 1);
  if (!is_token(method) || method.size() > method_bytes_max) return refuse(400, "the method is not a token");
  if (target.size() > limits.target_bytes_max)
    return refuse(414, "the request target is longer than target_bytes_max");
  if (target.empty() || !all(target, target_character)) {
    return refuse(400, "the request target holds a character that may not stand there");
  }
  // RFC 9113 section 3.4; Azure's answer to it (behaviour sheet, section 2.4).
  if (line == "PRI * HTTP/2.0") return refuse(400, "HTTP/2 in clear text");
  const auto minor = minor_version(line.substr(last + 1));
  if (!minor) return std::unexpected(minor.error());
  head.minor_version = *minor;
  HeadBuilder::set_method(head, span(line_at, method));
  HeadBuilder::set_target(head, span(line_at + first + 1, target));
  return false;
}

Parsed<bool> HeadParser::status_line(std::string_view line, std::size_t line_at, MessageHead& head) {
  const auto minor = minor_version(line.substr(0, line.find(' ')));
  if (!minor) return std::unexpected(minor.error());
  head.minor_version = *minor;
  const auto rest = line.substr(8);
  // "HTTP/1.1 200 OK"; a missing reason's blank is forgiven, as every client does.
  const auto code = rest.size() >= 4 ? parse_decimal<unsigned>(rest.substr(1, 3)) : std::nullopt;
  if (!code || *code < 100 || *code > 599 || (rest.size() > 4 && rest[4] != ' ')) {
    return refuse(502, "the status line cannot be read");
  }
  const auto reason = rest.size() > 5 ? rest.substr(5) : std::string_view();
  if (!all(reason, value_character)) return refuse(502, "the reason holds a control character");
  head.status = static_cast<int>(*code);
  HeadBuilder::set_reason(head, span(line_at + line.size() - reason.size(), reason));
  return false;
}

Parsed<bool> HeadParser::field_line(std::string_view line, std::size_t line_at, const Limits& limits,
                                    MessageHead& head) {
  if (line.front() == ' ' || line.front() == '\t')
    return refuse(400, "a header field is folded over two lines");
  const auto colon = line.find(':');
  if (colon == std::string_view::npos) return refuse(400, "a header field has no colon");
  const auto name = line.substr(0, colon);
  if (!is_token(name))
    return refuse(400, "a header field's name is empty or holds a character that may not stand there");
  const auto value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) return refuse(400, "a header field's value holds a control character");
  if (head.fields.size() >= limits.header_fields_max)
    return refuse(431, "there are more header fields than header_fields_max");
  const auto value_at = value.empty() ? colon + 1 : static_cast<std::size_t>(value.data() - line.data());
  head.add({span(line_at, name), span(line_at + value_at, value), field_id(name)});
  return false;
}

}  // namespace passerelle::http1
