// What tunnels carry and how they end: by worker, and by route, where requests are counted too.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "telemetry/counters.h"
#include "telemetry/request_counters.h"
#include "telemetry/tunnel_end.h"

namespace passerelle::telemetry {

// Sizes of messages, by powers of four from 64 bytes on; the last bucket has no end.
class SizeHistogram {
 public:
  static constexpr std::size_t buckets = 12;
  // The greatest size in a bucket.
  [[nodiscard]] static constexpr std::uint64_t bound(std::size_t bucket) {
    return std::uint64_t{64} << 2 * bucket;
  }

  void add(std::uint64_t size) {
    const unsigned bits = size <= bound(0) ? 0 : static_cast<unsigned>(std::bit_width((size - 1) >> 6));
    counts_[std::min<std::size_t>((bits + 1) / 2, buckets)].add();
    sum_.add(size);
  }
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }
  [[nodiscard]] std::uint64_t sum() const { return sum_.value(); }

 private:
  std::array<Counter, buckets + 1> counts_;
  Counter sum_;
};

// What frames a worker's tunnels carry. [0] from clients, [1] from members.
struct TunnelFrames {
  struct Direction {
    SizeHistogram message_bytes;
    Counter pings, pongs, closes;
  };
  std::array<Direction, 2> directions;
  std::array<Counter, tunnel_ends> ends;  // tunnels, by why they ended
};

// Close codes, as many as there are meanings: 1000 to 1015 each, then the ranges of RFC 6455 section 7.4.2,
// then none (no Close frame was seen), then anything else.
struct CloseCodes {
  static constexpr std::size_t named = 16, of_libraries = 16, of_applications = 17, none = 18, other = 19,
                               count = 20;
  [[nodiscard]] static constexpr std::size_t slot(unsigned code) {
    if (code == 0) return none;
    if (code >= 1000 && code < 1016) return code - 1000;
    if (code >= 3000 && code < 4000) return of_libraries;
    if (code >= 4000 && code < 5000) return of_applications;
    return other;
  }
  [[nodiscard]] static std::string name(std::size_t slot);
};

// Written by one worker.
struct alignas(64) RouteTunnels {
  Counter opened;
  Counter open;
  std::array<Counter, 2> messages;  // [0] from clients, [1] from members
  std::array<Counter, 2> bytes;
  std::array<Counter, CloseCodes::count> closed;  // by the code of the Close that came first
};

// What is counted together. Without a pool it is a redirect, or a refusal.
struct RouteKey {
  std::string listener, rule, pool, settings;
  friend auto operator<=>(const RouteKey&, const RouteKey&) = default;
};

// For as long as the process lives: reloads go on counting.
struct RouteCounters {
  RouteCounters(RouteKey of, std::size_t workers)
      : key(std::move(of)),
        tunnels(std::make_unique<RouteTunnels[]>(workers)),
        requests(std::make_unique<RouteRequests[]>(workers)),
        worker_count(workers) {}
  const RouteKey key;
  const std::unique_ptr<RouteTunnels[]> tunnels;    // by worker
  const std::unique_ptr<RouteRequests[]> requests;  // the same
  const std::size_t worker_count;
};

}  // namespace passerelle::telemetry
