// The head of an HTTP message: its first line and its fields, in the order they came.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/field_id.h"

namespace passerelle {

// A value, kept warm and used again: clear() keeps capacity. Views it returns live until the next change.
class MessageHead {
 public:
  struct Span {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Span name;
    Span value;
    FieldId id = FieldId::other;
    bool is_line = false;  // name, ": ", value and CR LF stand behind one another, as they do on the wire
  };

  void clear() {
    text.clear();
    fields.clear();
    method_ = target_ = reason_ = {};
    present_ = 0;
    status = 0;
    major_version = 1;
    minor_version = 1;
  }

  [[nodiscard]] std::string_view method() const { return view(method_); }
  [[nodiscard]] std::string_view target() const { return view(target_); }
  [[nodiscard]] std::string_view reason() const { return view(reason_); }
  [[nodiscard]] std::string_view name(const Field& field) const { return view(field.name); }
  [[nodiscard]] std::string_view value(const Field& field) const { return view(field.value); }

  // The value of the first such field.
  [[nodiscard]] std::optional<std::string_view> find(FieldId id) const {
    if (!may_have(id)) return std::nullopt;
    for (const Field& field : fields) {
      if (field.id == id) return value(field);
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  [[nodiscard]] std::size_t count(FieldId id) const;
  // Any field of that name whose comma-separated list holds the token, ignoring case.
  [[nodiscard]] bool has_token(FieldId id, std::string_view token) const;

  // --- for building a head in memory; what is passed must not point into this head ---
  void set_request(std::string_view method, std::string_view target);
  void set_target(std::string_view target) { target_ = append(target); }
  void set_response(int status_code, std::string_view reason);
  void add(std::string_view name, std::string_view value) { add(field_id(name), name, value); }
  void add(FieldId id, std::string_view name, std::string_view value);
  // The first field of that name gets the value and the others go; where there is none it is added.
  void set(std::string_view name, std::string_view value);
  void set_value(Field& field, std::string_view value) {
    field.value = append(value);
    field.is_line = false;
  }
  void remove(std::string_view name);
  // First line and bytes of another head, and none of its fields: they are added one by one.
  void begin_copy(const MessageHead& other);
  // A field whose bytes are here already.
  void add(const Field& field) {
    present_ |= bit(field.id);
    fields.push_back(field);
  }

  [[nodiscard]] std::string_view view(Span span) const {
    return std::string_view(text).substr(span.at, span.size);
  }

  std::string text;  // the bytes all views point into
  std::vector<Field> fields;
  int status = 0;         // of a response
  int major_version = 1;  // 2: it came by HTTP/2, and reads like one of HTTP/1.1
  int minor_version = 1;  // HTTP/1.x
  [[nodiscard]] std::string_view version() const {
    return major_version == 2 ? "HTTP/2.0" : minor_version == 1 ? "HTTP/1.1" : "HTTP/1.0";
  }

  // Bytes for a field that is put together piece by piece, and then added.
  Span append(std::string_view bytes);

  // Adds lines in room that is taken once: `write(Lines&)` may add `bytes_max` of them, Lines::size_of each.
  class Lines;
  template <class Write>
  void add_lines(std::size_t bytes_max, Write write);

 private:
  friend class HeadBuilder;
  [[nodiscard]] static std::uint64_t bit(FieldId id) {
    static_assert(field_ids <= 64);
    return std::uint64_t{1} << static_cast<unsigned>(id);
  }
  // Most questions are about fields that are not there.
  [[nodiscard]] bool may_have(FieldId id) const { return (present_ & bit(id)) != 0; }

  Span method_, target_, reason_;
  std::uint64_t present_ = 0;  // by FieldId; what was removed may still be said to be here
};

// Fields as the lines they will be on the wire, one behind the other. What is put must not point into the
// head.
class MessageHead::Lines {
 public:
  static constexpr std::size_t size_of(std::string_view name, std::size_t value_bytes) {
    return name.size() + 2 + value_bytes + 2;
  }
  void add(FieldId id, std::string_view name, std::string_view value) {
    begin(id, name);
    put(value);
    end();
  }
  // The same with a value in pieces.
  void begin(FieldId id, std::string_view name) {
    field_.id = id;
    field_.name = {at_, static_cast<std::uint32_t>(name.size())};
    put(name);
    put(": ");
    field_.value.at = at_;
  }
  void put(std::string_view bytes) {
    // Whoever summed up too little must not write into what is another's.
    if (bytes.size() > end_ - at_) [[unlikely]]
      std::abort();
    if (!bytes.empty()) std::memcpy(text_ + at_, bytes.data(), bytes.size());
    at_ += static_cast<std::uint32_t>(bytes.size());
  }
  void end() {
    field_.value.size = at_ - field_.value.at;
    put("\r\n");
    head_.add(field_);
  }

 private:
  friend class MessageHead;
  Lines(MessageHead& head, char* text, std::size_t at, std::size_t end)
      : head_(head), text_(text), at_(static_cast<std::uint32_t>(at)), end_(end) {}
  MessageHead& head_;
  char* const text_;
  std::uint32_t at_;
  const std::size_t end_;
  Field field_{.name = {}, .value = {}, .id = FieldId::other, .is_line = true};
};

template <class Write>
void MessageHead::add_lines(std::size_t bytes_max, Write write) {
  const std::size_t at = text.size();
  text.resize_and_overwrite(at + bytes_max, [&](char* begin, std::size_t end) {
    Lines lines(*this, begin, at, end);
    write(lines);
    return lines.at_;
  });
}

// Lets a parser set the first line's spans without making them everybody's.
class HeadBuilder {
 public:
  static void set_method(MessageHead& head, MessageHead::Span span) { head.method_ = span; }
  static void set_target(MessageHead& head, MessageHead::Span span) { head.target_ = span; }
  static void set_reason(MessageHead& head, MessageHead::Span span) { head.reason_ = span; }
};

}  // namespace passerelle
