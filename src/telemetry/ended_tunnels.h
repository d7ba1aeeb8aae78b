// The tunnels that ended last, and why: for who asks after one that is gone.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace passerelle::telemetry {

// A value; names and addresses are its own, for the configuration they are from may be gone.
struct EndedTunnel {
  WallTime ended{};
  std::string id, listener, rule, pool, settings, client, member;
  std::string_view cause = {}, side = {};  // of the log's own words
  unsigned code = 0;                       // of the Close that ended it; 0: none did
  std::string reason;
  double seconds = 0;
  std::array<std::uint64_t, 2> messages{}, bytes{};  // [0] from the client, [1] from the member
};

// One a worker, on its thread. The oldest makes room.
class EndedTunnels {
 public:
  static constexpr std::size_t kept_max = 128;

  // The place of the next, to be filled: its strings keep the room they have.
  [[nodiscard]] EndedTunnel& next() { return kept_[count_++ % kept_max]; }
  // The newest first.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t i = count_, left = std::min(count_, kept_max); left > 0; --left)
      visit(kept_[--i % kept_max]);
  }

 private:
  std::array<EndedTunnel, kept_max> kept_;
  std::size_t count_ = 0;
};

}  // namespace passerelle::telemetry
