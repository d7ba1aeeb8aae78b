// For tests and fuzz targets: HTTP/2 frames (RFC 9113 section 4.1) put together by hand.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace passerelle::testing_support::h2 {

inline constexpr std::string_view preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
inline constexpr char data = 0, headers = 1, rst_stream = 3, settings = 4, ping = 6, go_away = 7,
                      window_update = 8;
inline constexpr char end_stream = 1, end_headers = 4;

using Fields = std::vector<std::pair<std::string, std::string>>;

inline std::string number(std::uint32_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

inline std::string frame(char type, int flags, std::uint32_t stream, std::string_view payload = {}) {
  std::string out = number(static_cast<std::uint32_t>(payload.size()), 3);
  out += type;
  out += static_cast<char>(flags);
  out += number(stream, 4);
  out += payload;
  return out;
}

// Literals that go into no table; names and values under 127 bytes.
inline std::string head(const Fields& fields) {
  std::string out;
  for (const auto& [name, value] : fields) {
    out += '\0';
    out += static_cast<char>(name.size());
    out += name;
    out += static_cast<char>(value.size());
    out += value;
  }
  return out;
}

inline Fields request(std::string method, std::string path, const Fields& more = {}) {
  Fields out = {{":method", std::move(method)},
                {":scheme", "https"},
                {":authority", "gw.test"},
                {":path", std::move(path)}};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

inline Fields websocket() {
  return {{":method", "CONNECT"},
          {":protocol", "websocket"},
          {":scheme", "https"},
          {":authority", "gw.test"},
          {":path", "/ws"}};
}

// A frame that was received.
struct Frame {
  char type = 0;
  int flags = 0;
  std::uint32_t stream = 0;
  std::string payload;
};

// Takes the whole frames off the front of `bytes`.
inline std::vector<Frame> take_frames(std::string& bytes) {
  std::vector<Frame> out;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  while (bytes.size() >= 9) {
    const std::size_t length =
        static_cast<std::size_t>(at(0)) << 16 | static_cast<std::size_t>(at(1)) << 8 | at(2);
    if (bytes.size() < 9 + length) break;
    const std::uint32_t stream =
        (static_cast<std::uint32_t>(at(5)) << 24 | static_cast<std::uint32_t>(at(6)) << 16 |
         static_cast<std::uint32_t>(at(7)) << 8 | at(8)) &
        0x7fffffffU;
    out.push_back({bytes[3], at(4), stream, bytes.substr(9, length)});
    bytes.erase(0, 9 + length);
  }
  return out;
}

}  // namespace passerelle::testing_support::h2
