// Numbers and texts as bytes, for another process of this machine. Not for files, and not for the network.
#pragma once

#include <cstring>
#include <string>
#include <type_traits>

#include "base/bytes.h"

namespace passerelle {

// A value that grows.
class BinaryWriter {
 public:
  template <class Number>
    requires std::is_arithmetic_v<Number> || std::is_enum_v<Number>
  BinaryWriter& number(Number value) {
    const char* bytes = static_cast<const char*>(static_cast<const void*>(&value));
    out_.append(bytes, sizeof value);
    return *this;
  }
  BinaryWriter& text(BytesView value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.append(value);
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return out_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads what BinaryWriter wrote. Past the end, or a text longer than what is left: zeroes and nothing from
// there on, and ok() is false; so whoever reads asks once, at the end.
class BinaryReader {
 public:
  explicit BinaryReader(BytesView bytes) : left_(bytes) {}

  template <class Number>
  [[nodiscard]] Number number() {
    Number value{};
    const BytesView bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  // Lives as long as what is read.
  [[nodiscard]] BytesView text() { return take(number<std::uint32_t>()); }
  [[nodiscard]] bool ok() const { return ok_; }
  // Everything was read, and nothing was missing.
  [[nodiscard]] bool complete() const { return ok_ && left_.empty(); }

 private:
  BytesView take(std::size_t size) {
    ok_ = ok_ && size <= left_.size();
    if (!ok_) return {};
    const BytesView out = left_.substr(0, size);
    left_.remove_prefix(size);
    return out;
  }
  BytesView left_;
  bool ok_ = true;
};

}  // namespace passerelle
