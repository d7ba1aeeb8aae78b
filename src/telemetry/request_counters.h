// What requests come to, and how long they take, by route. Source: Azure's metrics of application gateways
// (behaviour sheet, section 16): which of them is which is in docs/operating/metrics.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "telemetry/counters.h"

namespace passerelle::telemetry {

// By bounds people think in; the last bucket has no end.
class TimeHistogram {
 public:
  static constexpr std::array<std::uint32_t, 6> bounds_ms = {10, 50, 250, 1'000, 5'000, 30'000};
  static constexpr std::size_t buckets = bounds_ms.size() + 1;

  void add(Duration took) {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    const auto at = std::ranges::lower_bound(bounds_ms, microseconds, {},
                                             [](std::uint32_t bound) { return std::int64_t{bound} * 1000; });
    counts_[static_cast<std::size_t>(at - bounds_ms.begin())].add();
    microseconds_.add(static_cast<std::uint64_t>(microseconds));
  }
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }
  [[nodiscard]] std::uint64_t microseconds() const { return microseconds_.value(); }

 private:
  std::array<Counter, buckets> counts_;
  Counter microseconds_;
};

// Written by one worker.
struct alignas(64) RouteRequests {
  // To the client. [1] 1xx … [5] 5xx; [0] none sent.
  std::array<Counter, 6> responses;
  Counter received_bytes, sent_bytes;
  TimeHistogram total;  // from the request's first byte to the response's last; a tunnel's life never counts
  // To members. A request may be tried at several.
  std::array<Counter, 6> member_responses;  // [0] it came to none
  Counter connects, connect_microseconds;
  TimeHistogram first_byte;  // of the response's head, from the try's beginning
  Counter last_bytes, last_byte_microseconds;
};

}  // namespace passerelle::telemetry
