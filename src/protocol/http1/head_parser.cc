#include "protocol/http1/head_parser.h"

#include <algorithm>
#include <cstring>

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

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::unexpected<ParseError> refuse_name(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t')
    return refuse(400, "a header field is folded over two lines");
  if (line.find(':') == std::string_view::npos) return refuse(400, "a header field has no colon");
  return refuse(400, "a header field's name is empty or holds a character that may not stand there");
}

}  // namespace

// Copies to the head what is taken of the bytes, whatever becomes of it.
class HeadParser::Taken {
 public:
  Taken(BytesView bytes, MessageHead& head) : bytes_(bytes), head_(head), origin_(head.text.size()) {}
  ~Taken() { copy(); }
  Taken(const Taken&) = delete;
  Taken& operator=(const Taken&) = delete;

  std::size_t count = 0;
  // Where the next byte will stand in the head.
  [[nodiscard]] std::size_t end() const { return origin_ + count; }
  // The head's bytes from `at` on. What began in an earlier piece is put together where it will stand;
  // the rest need not wait for that.
  [[nodiscard]] std::string_view from(std::size_t at) {
    if (at >= origin_) return bytes_.substr(at - origin_, end() - at);
    copy();
    return std::string_view(head_.text).substr(at);
  }

 private:
  void copy() {
    head_.text.append(bytes_.data() + copied_, count - copied_);
    copied_ = count;
  }
  const BytesView bytes_;
  MessageHead& head_;
  const std::size_t origin_;
  std::size_t copied_ = 0;
};

Parsed<HeadParser::Progress> HeadParser::feed(BytesView bytes, const Limits& limits, MessageHead& head) {
  Taken taken(bytes, head);
  while (taken.count < bytes.size()) {
    if (state_ == State::before) {
      const auto begins = before_first_line(bytes[taken.count], taken.end());
      if (!begins) return std::unexpected(begins.error());
      if (!*begins) {
        ++taken.count;
        continue;
      }
      state_ = kind_ == HeadKind::trailers ? State::fields : State::first_line;
    }
    if (state_ == State::fields && taken.end() == line_at_) {
      taken.count += plain_fields(bytes.substr(taken.count), limits, head);
      if (taken.count == bytes.size()) break;
    }
    const void* const newline = std::memchr(bytes.data() + taken.count, '\n', bytes.size() - taken.count);
    taken.count = newline == nullptr
                      ? bytes.size()
                      : static_cast<std::size_t>(static_cast<const char*>(newline) - bytes.data()) + 1;
    if (const char* const too_long = over_a_limit(limits, taken.end()))
      return refuse(state_ == State::fields ? 431 : kind_ == HeadKind::request ? 414 : 502, too_long);
    if (newline == nullptr) break;
    const auto complete = end_line(taken.from(line_at_), limits, head);
    if (!complete) return std::unexpected(complete.error());
    line_at_ = static_cast<std::uint32_t>(taken.end());
    if (*complete) return Progress{taken.count, true};
  }
  return Progress{taken.count, false};
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

// Whether `size` bytes of head, the current line's last, are too many; of what.
const char* HeadParser::over_a_limit(const Limits& limits, std::size_t size) const {
  if (state_ == State::fields) {
    const std::size_t most = kind_ == HeadKind::trailers ? limits.trailer_bytes_max : limits.head_bytes_max;
    return size - fields_at_ > most ? "the header fields are longer than head_bytes_max" : nullptr;
  }
  if (kind_ == HeadKind::request)
    return size - line_at_ > limits.target_bytes_max + first_line_overhead
               ? "the request target is longer than target_bytes_max"
               : nullptr;
  return size - line_at_ > status_line_bytes_max ? "the status line is longer than 1,024 bytes" : nullptr;
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
  std::size_t colon = 0;
  while (colon < line.size() && is(line[colon], token_character)) ++colon;
  if (colon == 0 || colon == line.size() || line[colon] != ':') return refuse_name(line);
  const auto value = trimmed(line.substr(colon + 1));
  if (!is_field_value(value)) return refuse(400, "a header field's value holds a control character");
  if (head.fields.size() >= limits.header_fields_max)
    return refuse(431, "there are more header fields than header_fields_max");
  const auto value_at = value.empty() ? colon + 1 : static_cast<std::size_t>(value.data() - line.data());
  const auto name = line.substr(0, colon);
  const bool is_line =
      value_at == colon + 2 && line[colon + 1] == ' ' && value_at + value.size() == line.size();
  head.add({span(line_at, name), span(line_at + value_at, value), field_id(name), is_line});
  return false;
}

// Fields as nearly all are: whole, sound, within the limits; in one pass over their bytes, of which it tells
// how many they were. Anything else is left to end_line, which says what is wrong with it.
std::size_t HeadParser::plain_fields(BytesView bytes, const Limits& limits, MessageHead& head) {
  const char* const end = bytes.data() + bytes.size();
  const char* line = bytes.data();
  for (;;) {
    const char* colon = line;
    while (colon != end && is(*colon, token_character)) ++colon;
    if (colon == line || colon == end || *colon != ':') break;
    const char* value = colon + 1;
    while (value != end && is_blank(*value)) ++value;
    const char* line_end = value + field_value_prefix({value, end});
    if (end - line_end < 2 || line_end[0] != '\r' || line_end[1] != '\n') break;
    const char* const next = line_end + 2;
    if (head.fields.size() >= limits.header_fields_max ||
        over_a_limit(limits, line_at_ + static_cast<std::size_t>(next - line)) != nullptr)
      break;
    const char* value_end = line_end;
    while (value_end != value && is_blank(value_end[-1])) --value_end;
    if (value_end == value) value_end = value = colon + 1;
    const std::string_view name(line, colon);
    const bool is_line = value == colon + 2 && colon[1] == ' ' && value_end == line_end;
    const auto value_at = line_at_ + static_cast<std::size_t>(value - line);
    head.add({span(line_at_, name), span(value_at, {value, value_end}), field_id(name), is_line});
    line_at_ += static_cast<std::uint32_t>(next - line);
    line = next;
  }
  return static_cast<std::size_t>(line - bytes.data());
}

}  // namespace passerelle::http1
