// String functions.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/json_reader.h"
#include "arm/language/functions.h"
#include "base/digest.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-_.~").find(c) != std::string_view::npos;
}

JsonValue limited(FunctionCall& call, std::string text) {
  if (text.size() > function_bytes_max)
    return call.fail(fmt::format("its result is longer than {} bytes", function_bytes_max));
  return make_text(std::move(text));
}

JsonValue base64(FunctionCall& call) { return limited(call, to_base64(call.text(0))); }

std::string decoded(FunctionCall& call) {
  auto text = from_base64(call.text(0));
  if (!text) call.fail("its argument is no base64");
  return text.value_or("");
}

JsonValue base64_to_string(FunctionCall& call) { return make_text(decoded(call)); }

JsonValue read_text_as_json(FunctionCall& call, const std::string& text) {
  ProblemList quiet({});
  auto value = read_json(text, 0, quiet, {.single_quotes = true});
  if (!value) return call.fail("its argument is no JSON");
  return std::move(*value);
}

JsonValue base64_to_json(FunctionCall& call) { return read_text_as_json(call, decoded(call)); }

JsonValue json(FunctionCall& call) {
  // "null", "true" and numbers are JSON too; the reader of documents takes them all.
  return read_text_as_json(call, call.text(0));
}

JsonValue data_uri(FunctionCall& call) {
  return limited(call, "data:text/plain;charset=utf8;base64," + to_base64(call.text(0)));
}

JsonValue data_uri_to_string(FunctionCall& call) {
  const auto [head, body] = split_once(call.text(0), ',');
  if (!starts_with_ignoring_case(head, "data:")) return call.fail("its argument is no data URI");
  if (!lowered(head).ends_with(";base64")) return make_text(std::string(body));
  auto text = from_base64(body);
  return text ? make_text(std::move(*text)) : call.fail("the base64 of the data URI cannot be read");
}

JsonValue ends_with(FunctionCall& call) {
  const auto &text = call.text(0), &end = call.text(1);
  return make_boolean(text.size() >= end.size() &&
                      equals_ignoring_case(std::string_view(text).substr(text.size() - end.size()), end));
}

JsonValue starts_with(FunctionCall& call) {
  return make_boolean(starts_with_ignoring_case(call.text(0), call.text(1)));
}

JsonValue to_lower(FunctionCall& call) { return make_text(lowered(call.text(0))); }

JsonValue to_upper(FunctionCall& call) {
  std::string text = call.text(0);
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return make_text(std::move(text));
}

JsonValue trim(FunctionCall& call) {
  std::string_view text = call.text(0);
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return make_text("");
  return make_text(std::string(text.substr(begin, text.find_last_not_of(blanks) - begin + 1)));
}

JsonValue replace(FunctionCall& call) {
  const auto &text = call.text(0), &old_text = call.text(1), &new_text = call.text(2);
  if (old_text.empty()) return call.fail("the text to replace is empty");
  std::string out;
  for (std::size_t at = 0;;) {
    const auto next = text.find(old_text, at);
    out.append(text, at, next == std::string::npos ? next : next - at);
    if (next == std::string::npos || out.size() > function_bytes_max) break;
    out += new_text;
    at = next + old_text.size();
  }
  return limited(call, std::move(out));
}

JsonValue pad_left(FunctionCall& call) {
  const std::string text = to_text(call[0]);
  const auto length = call.integer(1);
  const std::string fill = call.has(2) ? call.text(2) : " ";
  if (fill.size() != 1) return call.fail("the character to fill with is one character");
  if (length < 0 || length > 1000) return call.fail("the length is from 0 to 1000");
  const auto missing =
      static_cast<std::size_t>(length) - std::min(text.size(), static_cast<std::size_t>(length));
  return make_text(std::string(missing, fill[0]) + text);
}

JsonValue split(FunctionCall& call) {
  const std::string& text = call.text(0);
  std::vector<std::string> separators;
  if (call[1].is(JsonValue::Kind::array)) {
    for (const auto& item : call[1].items) separators.push_back(item.text);
  } else {
    separators.push_back(call.text(1));
  }
  constexpr std::size_t comparisons_max = 64U << 20U;
  if (text.size() * separators.size() > comparisons_max)
    return call.fail("its text is too long for so many separators");
  JsonValue out = make_array();
  std::size_t begin = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const auto hit = std::ranges::find_if(separators, [&](const std::string& separator) {
      return !separator.empty() && std::string_view(text).substr(at).starts_with(separator);
    });
    if (hit == separators.end()) {
      ++at;
      continue;
    }
    out.items.push_back(make_text(text.substr(begin, at - begin)));
    begin = at += hit->size();
  }
  out.items.push_back(make_text(text.substr(begin)));
  return out;
}

JsonValue join(FunctionCall& call) {
  const std::string& separator = call.text(1);
  std::string out;
  for (const auto& item : call.array(0).items) {
    if (&item != &call[0].items.front()) out += separator;
    out += to_text(item);
    if (out.size() > function_bytes_max) break;
  }
  return limited(call, std::move(out));
}

JsonValue string(FunctionCall& call) { return limited(call, to_text(call[0])); }

// Start and length count characters as .NET does; names and addresses are ASCII.
JsonValue substring(FunctionCall& call) {
  const std::string& text = call.text(0);
  const auto start = call.integer(1);
  const auto size = static_cast<std::int64_t>(count_characters(text));
  const auto length = call.has(2) ? call.integer(2) : size - start;
  if (start < 0 || length < 0 || start > size || length > size - start) {
    return call.fail(
        fmt::format("{} characters from {} on do not lie within a string of {}", length, start, size));
  }
  return make_text(characters(text, static_cast<std::size_t>(start), static_cast<std::size_t>(length)));
}

JsonValue index_in_text(FunctionCall& call, bool last) {
  const std::string text = lowered(call.text(0)), wanted = lowered(call.text(1));
  const auto found = last ? text.rfind(wanted) : text.find(wanted);
  if (found == std::string::npos) return make_number(-1);
  return make_number(static_cast<std::int64_t>(count_characters(std::string_view(text).substr(0, found))));
}

JsonValue index_of(FunctionCall& call) {
  if (!call[0].is(JsonValue::Kind::array)) return index_in_text(call, false);
  const auto& items = call[0].items;
  const auto found = std::ranges::find_if(items, [&](const JsonValue& item) { return equal(item, call[1]); });
  return make_number(found == items.end() ? -1 : found - items.begin());
}

JsonValue last_index_of(FunctionCall& call) {
  if (!call[0].is(JsonValue::Kind::array)) return index_in_text(call, true);
  for (std::size_t i = call[0].items.size(); i-- > 0;) {
    if (equal(call[0].items[i], call[1])) return make_number(static_cast<std::int64_t>(i));
  }
  return make_number(-1);
}

JsonValue uri_component(FunctionCall& call) {
  std::string out;
  for (const char c : call.text(0)) {
    if (is_unreserved(c))
      out += c;
    else
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
  }
  return limited(call, std::move(out));
}

JsonValue uri_component_to_string(FunctionCall& call) {
  const std::string& text = call.text(0);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    const auto* hex = text.data() + i + 1;
    if (text[i] == '%' && i + 2 < text.size() && std::from_chars(hex, hex + 2, byte, 16).ptr == hex + 2) {
      out += static_cast<char>(byte);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return make_text(std::move(out));
}

// RFC 3986 section 5.3, as far as templates use it: what follows the base's last '/' is replaced.
JsonValue uri(FunctionCall& call) {
  std::string base = call.text(0);
  const std::string& relative = call.text(1);
  const auto scheme = base.find("://");
  if (scheme == std::string::npos) return call.fail("its first argument is no absolute URI");
  if (relative.find("://") != std::string::npos) return make_text(relative);
  const auto path = base.find('/', scheme + 3);
  if (path == std::string::npos) base += '/';
  const auto cut = relative.starts_with('/') ? base.find('/', scheme + 3) : base.rfind('/') + 1;
  return limited(call, base.substr(0, cut) + relative);
}

// RFC 3986 section 3, of a URI with an authority.
JsonValue parse_uri(FunctionCall& call) {
  const std::string& text = call.text(0);
  const auto scheme = text.find("://");
  if (scheme == std::string::npos) return call.fail("its argument is no absolute URI");
  std::string_view rest = std::string_view(text).substr(scheme + 3);
  rest = split_once(rest, '#').first;
  const auto query_at = rest.find('?');
  const std::string_view query = query_at != std::string_view::npos ? rest.substr(query_at) : "";
  rest = rest.substr(0, query_at);
  const auto path_at = rest.find('/');
  const std::string_view authority = rest.substr(0, path_at);
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  JsonValue out = make_object();
  add_member(out, "scheme", text.substr(0, scheme));
  add_member(out, "host", std::string(has_port ? authority.substr(0, colon) : authority));
  if (const auto port = parse_decimal<std::uint16_t>(has_port ? authority.substr(colon + 1) : ""))
    add_member(out, "port", make_number(*port));
  add_member(out, "path", std::string(path_at != std::string_view::npos ? rest.substr(path_at) : "/"));
  if (!query.empty()) add_member(out, "query", std::string(query));
  return out;
}

JsonValue build_uri(FunctionCall& call) {
  const auto part = [&](std::string_view name) {
    const JsonValue* found = call.object(0).find(name);
    return found != nullptr ? to_text(*found) : std::string();
  };
  if (part("scheme").empty() || part("host").empty())
    return call.fail("its argument needs a scheme and a host");
  std::string out = part("scheme") + "://" + part("host");
  if (!part("port").empty()) out += ":" + part("port");
  if (!part("path").starts_with('/')) out += '/';
  out += part("path");
  const std::string query = part("query");
  if (!query.empty()) out += (query.starts_with('?') ? "" : "?") + query;
  return limited(call, std::move(out));
}

// ARM knows whole numbers only.
std::string decimals(int count) {
  return count == 0 ? std::string() : "." + std::string(static_cast<std::size_t>(count), '0');
}

// .NET's composite format, as far as templates use it: {0}, {0,5}, {0:D3}, {0:X}, {0:F1}, {0:N2}, {{ and }}.
std::string format_item(FunctionCall& call, const JsonValue& value, std::string_view spec) {
  if (spec.empty()) return to_text(value);
  const auto number = as_integer(value);
  const auto digits = parse_decimal<unsigned>(spec.substr(1));
  if (!number || digits.value_or(0) > 32 ||
      (spec.size() > 1 && !digits && spec.find_first_not_of('0') != std::string_view::npos)) {
    call.fail(fmt::format("the format '{}' is not supported", spec));
    return {};
  }
  const auto width = static_cast<int>(digits.value_or(0));
  switch (spec.front()) {
    case 'd':
    case 'D': {
      const auto magnitude =
          *number < 0 ? 0 - static_cast<std::uint64_t>(*number) : static_cast<std::uint64_t>(*number);
      return fmt::format("{}{:0{}}", *number < 0 ? "-" : "", magnitude, width);
    }
    case 'x': return fmt::format("{:0{}x}", static_cast<std::uint64_t>(*number), width);
    case 'X': return fmt::format("{:0{}X}", static_cast<std::uint64_t>(*number), width);
    case '0': return fmt::format("{:0{}}", *number, spec.size() + (*number < 0 ? 1 : 0));
    case 'f':
    case 'F': return std::to_string(*number) + decimals(digits ? width : 2);
    case 'g':
    case 'G': return std::to_string(*number);
    case 'n':
    case 'N': {
      std::string out = std::to_string(*number);
      for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > (*number < 0 ? 1 : 0); at -= 3)
        out.insert(static_cast<std::size_t>(at), ",");
      return out + decimals(digits ? width : 2);
    }
    default: call.fail(fmt::format("the format '{}' is not supported", spec)); return {};
  }
}

JsonValue format(FunctionCall& call) {
  const std::string& pattern = call.text(0);
  std::string out;
  for (std::size_t at = 0; at < pattern.size() && call.error().empty(); ++at) {
    const char c = pattern[at];
    if ((c == '{' || c == '}') && at + 1 < pattern.size() && pattern[at + 1] == c) {
      out += c;
      ++at;
    } else if (c == '}') {
      return call.fail("a '}' stands alone in the format; write '}}'");
    } else if (c != '{') {
      out += c;
    } else {
      const auto end = pattern.find('}', at);
      if (end == std::string::npos) return call.fail("a '{' stands alone in the format; write '{{'");
      const auto [place, spec] = split_once(std::string_view(pattern).substr(at + 1, end - at - 1), ':');
      const auto [index_text, align_text] = split_once(place, ',');
      const auto index = parse_decimal<std::size_t>(trimmed(index_text));
      if (!index || *index + 1 >= call.count())
        return call.fail(fmt::format("there is no argument for {{{}}} in the format", index_text));
      std::string item = format_item(call, call[*index + 1], spec);
      const bool left = trimmed(align_text).starts_with('-');
      const auto width = parse_decimal<std::size_t>(trimmed(align_text).substr(left ? 1 : 0)).value_or(0);
      if (width > item.size() && width <= 1000) item.insert(left ? item.size() : 0, width - item.size(), ' ');
      out += item;
      at = end;
    }
    if (out.size() > function_bytes_max) break;
  }
  return limited(call, std::move(out));
}

std::string hashed(FunctionCall& call) {
  std::string joined;
  for (std::size_t i = 0; i < call.count(); ++i) joined += (i == 0 ? "" : "-") + to_text(call[i]);
  return joined;
}

// Azure does not publish how it hashes; ours is stable: 13 characters of the SHA-1 (docs/decisions/0010).
JsonValue unique_string(FunctionCall& call) {
  constexpr std::string_view alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  constexpr std::size_t length = 13;
  const auto digest = sha1(hashed(call));
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < sizeof bits; ++i) bits = bits << 8U | static_cast<unsigned char>(digest[i]);
  std::string out;
  for (std::size_t i = 0; i < length; ++i, bits >>= 5U) out += alphabet[bits & 31U];
  return make_text(std::move(out));
}

// RFC 9562 section 5.5: version 5, of the arguments joined by '-', in the name space Azure uses.
JsonValue guid(FunctionCall& call) {
  constexpr std::array<unsigned char, 16> name_space = {0x11, 0xfb, 0x06, 0xfb, 0x71, 0x2d, 0x4d, 0xdd,
                                                        0x98, 0xc7, 0xe7, 0x1b, 0xbd, 0x58, 0x88, 0x30};
  std::string data;
  for (const unsigned char byte : name_space) data += static_cast<char>(byte);
  auto digest = sha1(data + hashed(call));
  digest[6] = static_cast<char>((digest[6] & 0x0f) | 0x50);
  digest[8] = static_cast<char>((digest[8] & 0x3f) | 0x80);
  std::string out;
  for (const std::size_t i : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U, 9U, 10U, 11U, 12U, 13U, 14U, 15U}) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    append_hex(out, std::string_view(&digest[i], 1));
  }
  return make_text(std::move(out));
}

constexpr std::array functions = {
    Function{"base64", 1, 1, base64},
    Function{"buildUri", 1, 1, build_uri},
    Function{"parseUri", 1, 1, parse_uri},
    Function{"base64ToString", 1, 1, base64_to_string},
    Function{"base64ToJson", 1, 1, base64_to_json},
    Function{"dataUri", 1, 1, data_uri},
    Function{"dataUriToString", 1, 1, data_uri_to_string},
    Function{"endsWith", 2, 2, ends_with},
    Function{"startsWith", 2, 2, starts_with},
    Function{"format", 1, Function::any, format},
    Function{"guid", 1, Function::any, guid},
    Function{"indexOf", 2, 2, index_of},
    Function{"lastIndexOf", 2, 2, last_index_of},
    Function{"join", 2, 2, join},
    Function{"json", 1, 1, json},
    Function{"padLeft", 2, 3, pad_left},
    Function{"replace", 3, 3, replace},
    Function{"split", 2, 2, split},
    Function{"string", 1, 1, string},
    Function{"substring", 2, 3, substring},
    Function{"toLower", 1, 1, to_lower},
    Function{"toUpper", 1, 1, to_upper},
    Function{"trim", 1, 1, trim},
    Function{"uniqueString", 1, Function::any, unique_string},
    Function{"uri", 2, 2, uri},
    Function{"uriComponent", 1, 1, uri_component},
    Function{"uriComponentToString", 1, 1, uri_component_to_string},
};

}  // namespace

std::span<const Function> text_functions() { return functions; }

}  // namespace passerelle::arm
