// Where a socket listens or goes: an IP address with a port, or the path of a UNIX socket.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace passerelle {

// A value of 20 bytes: fit to be kept by every connection.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};  // the first four for IPv4
  bool v6 = false;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;

  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;  // "10.0.0.1", "::1"
  [[nodiscard]] bool is_loopback() const;       // 127.0.0.0/8, ::1
};

struct Endpoint {
  IpAddress ip;
  std::uint16_t port = 0;
  std::string unix_path;  // when not empty, ip and port mean nothing

  friend bool operator==(const Endpoint&, const Endpoint&) = default;

  // "10.0.0.1:80", "[::1]:80", "unix:/run/a.sock". A port is required unless `default_port` is given.
  [[nodiscard]] static std::optional<Endpoint> parse(
      std::string_view text, std::optional<std::uint16_t> default_port = std::nullopt);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_unix() const { return !unix_path.empty(); }
};

}  // namespace passerelle
