#include "arm/json_reader.h"

#include <fmt/format.h>

#include <unordered_set>

#include "base/text.h"

namespace passerelle::arm {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::uint32_t file, ProblemList& problems, const JsonLimits& limits)
      : text_(text), file_(file), problems_(problems), limits_(limits) {}

  std::optional<JsonValue> read() {
    if (text_.size() > limits_.text_bytes_max) return fail("TooLarge", "the file is larger than 16 MiB");
    if (text_.starts_with("\xff\xfe") || text_.starts_with("\xfe\xff"))
      return fail("InvalidJson", "the file is UTF-16; save it as UTF-8");
    if (const std::size_t good = utf8_prefix(text_); good != text_.size()) {
      for (; at_ < good; ++at_) {
        if (text_[at_] == '\n') newline();
      }
      return fail("InvalidJson", "the file is not UTF-8 from here on; save it as UTF-8");
    }
    if (text_.starts_with("\xef\xbb\xbf")) at_ = line_start_ = 3;
    if (!skip_blanks()) return std::nullopt;
    if (at_ == text_.size())
      return fail("InvalidJson", "the file is empty; a template, a resource or a fragment was expected");
    std::optional<JsonValue> value;
    if (!limits_.strict && text_[at_] == '"' && is_fragment()) {
      problems_.warning(position(), "MissingBraces",
                        "the document has no outer braces; it is read as if it had");
      value = read_members(position(), '\0');
    } else {
      value = read_value();
    }
    if (!value || !skip_blanks()) return std::nullopt;
    if (at_ != text_.size()) return fail("InvalidJson", "there is more text behind the end of the document");
    return value;
  }

 private:
  std::nullopt_t fail(std::string code, std::string message) {
    problems_.error(position(), std::move(code), std::move(message));
    return std::nullopt;
  }

  bool refuse(std::string code, std::string message) {
    fail(std::move(code), std::move(message));
    return false;
  }

  // Columns count characters. It counts on from where it counted last: a document may be one long line.
  Position position() {
    if (counted_to_ < line_start_ || counted_to_ > at_) {
      counted_to_ = line_start_;
      column_ = 1;
    }
    for (; counted_to_ < at_; ++counted_to_)
      column_ += (static_cast<unsigned char>(text_[counted_to_]) & 0xc0) != 0x80;
    return {file_, line_, column_};
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void newline() {
    ++line_;
    line_start_ = at_ + 1;
  }

  bool skip_blanks() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') newline();
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else if (text_.substr(at_).starts_with("\xc2\xa0")) {
        at_ += 2;
      } else if (c == '/' && !limits_.strict) {
        if (!skip_comment()) return false;
      } else {
        return true;
      }
    }
    return true;
  }

  bool skip_comment() {
    if (text_.substr(at_).starts_with("//")) {
      while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      return true;
    }
    if (!text_.substr(at_).starts_with("/*")) return refuse("InvalidJson", "a '/' that begins no comment");
    const auto end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return refuse("InvalidJson", "a comment that begins here never ends");
    for (; at_ < end + 2; ++at_) {
      if (text_[at_] == '\n') newline();
    }
    return true;
  }

  // `"name" :` at the top: what a documentation page prints.
  bool is_fragment() const {
    const auto end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) return false;
    const auto next = text_.find_first_not_of(" \t\r\n", end + 1);
    return next != std::string_view::npos && text_[next] == ':';
  }

  std::optional<JsonValue> read_value() {
    const Position where = position();
    if (at_string()) {
      auto text = read_string();
      if (!text) return std::nullopt;
      return JsonValue::make_string(std::move(*text), where);
    }
    switch (peek()) {
      case '{': ++at_; return nested([&] { return read_members(where, '}'); });
      case '[': ++at_; return nested([&] { return read_items(where); });
      default: return read_word(where);
    }
  }

  template <class Read>
  std::optional<JsonValue> nested(Read read) {
    if (++depth_ > limits_.depth_max)
      return fail("TooDeep", fmt::format("nested deeper than {} levels", limits_.depth_max));
    auto value = read();
    --depth_;
    return value;
  }

  // Behind an item: true, there may be another. `closed` when the container's end was read.
  bool next_item(char end, bool& closed) {
    if (!skip_blanks()) return false;
    if (peek() == end && (end != '\0' || at_ == text_.size())) {
      if (end != '\0') ++at_;
      closed = true;
      return true;
    }
    if (peek() != ',') {
      fail("InvalidJson",
           end == '\0' ? "',' was expected here" : fmt::format("',' or '{}' was expected here", end));
      return false;
    }
    const Position comma = position();
    ++at_;
    if (!skip_blanks()) return false;
    if (peek() == end && (end != '\0' || at_ == text_.size())) {
      if (limits_.strict) return refuse("InvalidJson", "a comma behind the last item");
      if (!limits_.trailing_commas_are_fine)
        problems_.warning_once(comma, "TrailingComma", "a comma behind the last item is passed over");
      if (end != '\0') ++at_;
      closed = true;
    }
    return true;
  }

  std::optional<JsonValue> read_items(Position where) {
    JsonValue out;
    out.kind = JsonValue::Kind::array;
    out.where = where;
    if (!skip_blanks()) return std::nullopt;
    bool closed = peek() == ']';
    if (closed) ++at_;
    while (!closed) {
      auto item = read_value();
      if (!item) return std::nullopt;
      out.items.push_back(std::move(*item));
      if (!next_item(']', closed)) return std::nullopt;
    }
    return out;
  }

  // `names` are only kept where there are so many that looking through them would take long.
  static bool is_new(const JsonValue& object, const std::string& key,
                     std::unordered_set<std::string>& names) {
    constexpr std::size_t few = 32;
    if (object.members.size() < few) return object.member(key) == nullptr;
    if (names.empty()) {
      for (const JsonMember& member : object.members) names.insert(lowered(member.key));
    }
    return names.insert(lowered(key)).second;
  }

  std::optional<JsonValue> read_members(Position where, char end) {
    JsonValue out;
    out.kind = JsonValue::Kind::object;
    out.where = where;
    std::unordered_set<std::string> names;
    if (!skip_blanks()) return std::nullopt;
    bool closed = end != '\0' && peek() == end;
    if (closed) ++at_;
    while (!closed) {
      const Position key_where = position();
      if (!at_string()) return fail("InvalidJson", "a property's name in double quotes was expected here");
      auto key = read_string();
      if (!key || !skip_blanks()) return std::nullopt;
      if (out.members.size() >= limits_.members_max) {
        return fail("TooLarge", fmt::format("an object with more than {} properties", limits_.members_max));
      }
      if (peek() != ':') return fail("InvalidJson", fmt::format("':' was expected behind \"{}\"", *key));
      ++at_;
      if (!skip_blanks()) return std::nullopt;
      auto value = read_value();
      if (!value) return std::nullopt;
      if (!is_new(out, *key, names)) {
        problems_.error(
            key_where, "DuplicateProperty",
            fmt::format("\"{}\" is given twice in this object (names ignore case); remove one", *key));
        return std::nullopt;
      }
      out.members.push_back({std::move(*key), key_where, std::move(*value)});
      if (!next_item(end, closed)) return std::nullopt;
    }
    return out;
  }

  std::optional<JsonValue> read_word(Position where) {
    const auto end = text_.find_first_of(",]}: \t\r\n/", at_);
    const auto word = text_.substr(at_, end == std::string_view::npos ? end : end - at_);
    JsonValue out;
    out.where = where;
    if (word == "true" || word == "false") {
      out.kind = JsonValue::Kind::boolean;
      out.boolean = word == "true";
    } else if (is_number(word)) {
      out.kind = JsonValue::Kind::number;
      out.text = word;
    } else if (word != "null") {
      if (at_ == text_.size()) return fail("InvalidJson", "the file ends where a value was expected");
      return fail("InvalidJson", fmt::format("a value was expected here, not '{}'", word.substr(0, 20)));
    }
    at_ += word.size();
    return out;
  }

  static bool is_number(std::string_view word) {
    if (word.starts_with('-')) word.remove_prefix(1);
    const auto digits = [&] {
      std::size_t n = 0;
      while (n < word.size() && word[n] >= '0' && word[n] <= '9') ++n;
      word.remove_prefix(n);
      return n;
    };
    if (word.size() > 1 && word[0] == '0' && word[1] >= '0' && word[1] <= '9') return false;
    if (digits() == 0) return false;
    if (word.starts_with('.')) {
      word.remove_prefix(1);
      if (digits() == 0) return false;
    }
    if (word.starts_with('e') || word.starts_with('E')) {
      word.remove_prefix(1);
      if (word.starts_with('+') || word.starts_with('-')) word.remove_prefix(1);
      if (digits() == 0) return false;
    }
    return word.empty();
  }

  bool at_string() { return peek() == '"' || (limits_.single_quotes && peek() == '\''); }

  std::optional<std::string> read_string() {
    const std::size_t begin = at_++;
    const char quote = text_[begin];
    std::string out;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == quote) {
        ++at_;
        return out;
      }
      if (c == '\n') newline();
      if (c == '\\') {
        ++at_;
        if (!read_escape(out)) return std::nullopt;
      } else {
        out += c;
        ++at_;
      }
    }
    at_ = begin;
    return fail("InvalidJson", "a string that begins here never ends");
  }

  bool read_escape(std::string& out) {
    const char c = peek();
    ++at_;
    switch (c) {
      case '\'':
        if (!limits_.single_quotes) break;
        [[fallthrough]];
      case '"':
      case '\\':
      case '/': out += c; return true;
      case 'b': out += '\b'; return true;
      case 'f': out += '\f'; return true;
      case 'n': out += '\n'; return true;
      case 'r': out += '\r'; return true;
      case 't': out += '\t'; return true;
      case 'u': return read_unicode(out);
      default: break;
    }
    --at_;
    return refuse("InvalidJson", "an escape that JSON does not know; write \\\\ for a backslash");
  }

  std::optional<std::uint32_t> hex4() {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = ascii_lower(peek());
      if (c >= '0' && c <= '9')
        value = value << 4 | static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f')
        value = value << 4 | static_cast<std::uint32_t>(c - 'a' + 10);
      else
        return std::nullopt;
    }
    return value;
  }

  bool read_unicode(std::string& out) {
    auto code = hex4();
    if (code && *code >= 0xd800 && *code < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
      at_ += 2;
      const auto low = hex4();
      if (low && *low >= 0xdc00 && *low < 0xe000)
        code = 0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00);
      else
        code.reset();
    }
    if (!code || (*code >= 0xd800 && *code < 0xe000)) {
      return refuse("InvalidJson", "\\u must be followed by four hexadecimal digits of a character");
    }
    append_utf8(out, *code);
    return true;
  }

  static void append_utf8(std::string& out, std::uint32_t code) {
    if (code < 0x80) {
      out += static_cast<char>(code);
    } else if (code < 0x800) {
      out += static_cast<char>(0xc0 | code >> 6);
      out += static_cast<char>(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
      out += static_cast<char>(0xe0 | code >> 12);
      out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | code >> 18);
      out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (code & 0x3f));
    }
  }

  std::string_view text_;
  std::uint32_t file_;
  ProblemList& problems_;
  JsonLimits limits_;
  std::size_t at_ = 0;
  std::size_t line_start_ = 0;
  std::size_t counted_to_ = 0;
  std::uint32_t column_ = 1;
  std::uint32_t line_ = 1;
  unsigned depth_ = 0;
};

}  // namespace

std::optional<JsonValue> read_json(std::string_view text, std::uint32_t file, ProblemList& problems,
                                   const JsonLimits& limits) {
  return Reader(text, file, problems, limits).read();
}

}  // namespace passerelle::arm
