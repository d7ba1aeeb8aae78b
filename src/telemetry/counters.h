// Numbers that only grow, one set a worker: written by it, read by the admin listener.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace passerelle::telemetry {

// Written by one thread, read by any: a plain add, without the lock prefix.
class Counter {
 public:
  void add(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

struct Counters {
  Counter connections_accepted;
  Counter connections_open;
  Counter connections_refused;  // over a limit, or out of descriptors
  Counter requests;
  std::array<Counter, 6> responses_by_class;  // [1] 1xx … [5] 5xx; [0] none sent
  Counter request_microseconds;               // of finished requests; a tunnel's life never counts here
  Counter upstream_connects;
  Counter upstream_reuses;
  Counter upstream_failures;
  Counter tunnels_opened;
  Counter tunnels_open;
  Counter upgrades_waited;   // WebSocket handshakes that had to wait for their turn at a member
  Counter upgrades_refused;  // and that were turned away with a 503
  Counter tls_handshakes;
  Counter tls_handshakes_failed;
};

}  // namespace passerelle::telemetry
