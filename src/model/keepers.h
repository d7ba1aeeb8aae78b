// httpListeners of the local file: what keeps the tunnels of a listener in shape. Beyond Azure, and all off
// by default.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::model {

// What a tunnel takes along from its listener. A value; limits are of what a client sends.
struct Keepers {
  std::optional<std::chrono::seconds> ping_interval;  // pingSeconds: on both legs
  std::optional<std::uint64_t> message_bytes_max;
  std::optional<std::uint64_t> messages_per_second_max;
  std::optional<std::uint64_t> bytes_per_second_max;
  std::optional<std::chrono::seconds> tunnel_age_max;  // tunnelSecondsMax

  [[nodiscard]] bool any() const { return *this != Keepers{}; }
  friend auto operator<=>(const Keepers&, const Keepers&) = default;
};

// Whether a WebSocket may come from there (RFC 6455 section 10.2). `allowed`: "https://app.contoso.com", with
// a
// "*." before the host for every name below it; empty: from anywhere. A client that says nothing is no
// browser, and could say what it likes.
[[nodiscard]] bool is_allowed_origin(const std::vector<std::string>& allowed,
                                     std::optional<std::string_view> origin);

}  // namespace passerelle::model
