// What GET /api/v1/tunnels is asked for: which tunnels, in which order, from where to where.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace passerelle::admin {

// A tunnel as it is now.
struct TunnelView {
  std::string id, listener, rule, pool, settings, client, member;
  double seconds = 0;
  std::uint64_t messages_from_client = 0, messages_from_backend = 0, bytes_from_client = 0,
                bytes_from_backend = 0;
  double round_trip_client = 0, round_trip_backend = 0;  // seconds; 0: not known
};

// A value.
struct TunnelQuery {
  static constexpr std::size_t limit_default = 1000, limit_max = 10'000, offset_max = 1'000'000;
  enum class Order : std::uint8_t { seconds, messages, bytes };

  // Empty: any. Names ignore case; `client` is an address without its port, or with it.
  std::string id, listener, rule, pool, client, member;
  Order order = Order::seconds;
  bool descending = true;
  std::size_t limit = limit_default;
  std::size_t offset = 0;

  // The error is a sentence.
  [[nodiscard]] static std::expected<TunnelQuery, std::string> parse(std::string_view query);
};

// What it is asked for, and how many there are in all.
struct TunnelPage {
  std::size_t open = 0, matching = 0;
  std::vector<TunnelView> tunnels;
};

}  // namespace passerelle::admin
