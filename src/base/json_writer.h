// JSON, written: a few calls that append to a string the caller keeps. No tree, no allocation of its own.
// Why not a library: docs/decisions/0004.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace passerelle {

// Appends `text` as a JSON string, quotes included. Control characters, DEL and bytes that are not UTF-8 are
// escaped, so a log line can neither be split nor carry a terminal's escape sequence.
void append_json_string(std::string& out, std::string_view text);

// A value; used by one caller at a time. Commas and colons are its business; balance is the caller's.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view value);
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  JsonWriter& number(std::uint64_t value);
  JsonWriter& decimal(double value, int digits);
  JsonWriter& raw(std::string_view json);

  // key and value in one breath
  JsonWriter& member(std::string_view name, std::string_view value) { return key(name).string(value); }
  JsonWriter& member(std::string_view name, const char* value) { return key(name).string(value); }
  JsonWriter& member(std::string_view name, std::same_as<bool> auto value) {
    return key(name).boolean(value);
  }
  JsonWriter& member(std::string_view name, std::unsigned_integral auto value)
    requires(!std::same_as<decltype(value), bool>)
  {
    return key(name).number(value);
  }

 private:
  void separate();
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);

  std::string& out_;
  bool first_ = true;
  bool after_key_ = false;
};

}  // namespace passerelle
