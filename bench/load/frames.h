// WebSocket frames (RFC 6455 section 5.2) as the bench's programs write and read them; on purpose not the
// gateway's own code.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace bench {

constexpr std::size_t frame_header_bytes_max = 14;
constexpr std::array<unsigned char, 4> mask_key = {0x37, 0xfa, 0x21, 0x3d};

enum Opcode : unsigned char { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

// FIN, the opcode, the length; the key where `masked`.
inline std::string frame_header(unsigned char opcode, std::uint64_t length, bool masked) {
  std::string out(1, static_cast<char>(0x80 | opcode));
  const unsigned char bit = masked ? 0x80 : 0;
  const auto put = [&out](std::uint64_t number, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(number >> (8 * i));
  };
  if (length < 126) {
    put(bit | length, 1);
  } else if (length < 65536) {
    put(bit | 126U, 1);
    put(length, 2);
  } else {
    put(bit | 127U, 1);
    put(length, 8);
  }
  if (masked) out.append(mask_key.begin(), mask_key.end());
  return out;
}

// `from`: where in its payload the first byte stands.
inline void apply_mask(char* bytes, std::size_t size, const std::array<unsigned char, 4>& key,
                       std::uint64_t from) {
  std::array<unsigned char, 8> turned{};
  for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(from + i) % 4];
  std::uint64_t word = 0;
  std::memcpy(&word, turned.data(), sizeof word);
  std::size_t i = 0;
  for (; i + sizeof word <= size; i += sizeof word) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, bytes + i, sizeof eight);
    eight ^= word;
    std::memcpy(bytes + i, &eight, sizeof eight);
  }
  for (; i < size; ++i) bytes[i] = static_cast<char>(bytes[i] ^ turned[i % 4]);
}

// Reads one direction of a tunnel, cut anywhere.
class FrameReader {
 public:
  // Takes header bytes from the front of `bytes`. True once a header is whole.
  bool read_header(std::string_view& bytes) {
    while (!bytes.empty() && have_ < need()) {
      raw_[have_++] = static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
    }
    if (have_ < need()) return false;
    std::size_t at = 2;
    length_ = raw_[1] & 0x7f;
    if (length_ >= 126) {
      const std::size_t width = length_ == 126 ? 2 : 8;
      length_ = 0;
      for (std::size_t i = 0; i < width; ++i) length_ = length_ << 8 | raw_[at++];
    }
    if ((raw_[1] & 0x80) != 0) std::memcpy(key_.data(), raw_.data() + at, key_.size());
    done_ = 0;
    in_payload_ = true;
    return true;
  }
  [[nodiscard]] bool in_payload() const { return in_payload_; }
  [[nodiscard]] unsigned char opcode() const { return raw_[0] & 0x0f; }
  [[nodiscard]] std::uint64_t length() const { return length_; }
  [[nodiscard]] std::uint64_t done() const { return done_; }
  [[nodiscard]] std::uint64_t left() const { return length_ - done_; }
  [[nodiscard]] const std::array<unsigned char, 4>& key() const { return key_; }
  // Counts payload bytes; at the frame's end the next header begins.
  bool advance(std::uint64_t bytes) {
    done_ += bytes;
    if (done_ < length_) return false;
    in_payload_ = false;
    have_ = 0;
    return true;
  }

 private:
  [[nodiscard]] std::size_t need() const {
    if (have_ < 2) return 2;
    const unsigned char length = raw_[1] & 0x7f;
    return std::size_t{2} + (length == 127 ? 8 : length == 126 ? 2 : 0) + ((raw_[1] & 0x80) != 0 ? 4 : 0);
  }

  std::array<unsigned char, frame_header_bytes_max> raw_{};
  std::size_t have_ = 0;
  std::array<unsigned char, 4> key_{};
  std::uint64_t length_ = 0;
  std::uint64_t done_ = 0;
  bool in_payload_ = false;
};

}  // namespace bench
