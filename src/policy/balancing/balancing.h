// Which member of those that may be used: round robin, the fewest connections, or by the client's address.
// Azure: per pool and setting, load distribution policies; docs/decisions/0007 and 0013: over all workers.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>

namespace passerelle::policy {

// Members by index, and what each may carry in proportion to the others.
class Weights {
 public:
  // Empty: all the same.
  explicit Weights(std::span<const std::uint32_t> weights = {}) : weights_(weights) {}
  [[nodiscard]] std::uint32_t of(std::size_t i) const { return weights_.empty() ? 1 : weights_[i]; }
  [[nodiscard]] bool equal() const { return weights_.empty(); }

 private:
  std::span<const std::uint32_t> weights_;
};

// A step with which all slots from 0 on are visited once in `slots` turns, those of one member apart.
[[nodiscard]] inline std::uint64_t spread_step(std::uint64_t slots) {
  constexpr double golden = 0.618;
  auto step = static_cast<std::uint64_t>(static_cast<double>(slots) * golden);
  while (step > 1 && std::gcd(step, slots) != 1) --step;
  return step == 0 ? 1 : step;
}

// The next of `count` members for which `usable(i)`; `turn` is the group's, shared by all workers. Exact over
// usable members as long as which are usable does not change.
template <class Usable>
[[nodiscard]] std::optional<std::size_t> round_robin(std::size_t count, Weights weights,
                                                     std::atomic<std::uint64_t>& turn, Usable usable) {
  std::uint64_t slots = 0;
  for (std::size_t i = 0; i < count; ++i) slots += usable(i) ? weights.of(i) : 0;
  if (slots == 0) return std::nullopt;
  std::uint64_t slot = turn.fetch_add(1, std::memory_order_relaxed) % slots;
  if (!weights.equal()) slot = slot * spread_step(slots) % slots;
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < count; ++i) {
    if (!usable(i)) continue;
    if (slot < weights.of(i)) return i;
    slot -= weights.of(i);
    last = i;
  }
  return last;  // one turned unusable meanwhile
}

struct LeastLoaded {
  std::size_t index = 0;
  std::uint64_t load = 0;
};

// The usable member with the smallest `load(i)` for its weight; among equals the first from `start` on.
template <class Usable, class Load>
[[nodiscard]] std::optional<LeastLoaded> least_loaded(std::size_t count, Weights weights, std::uint64_t start,
                                                      Usable usable, Load load) {
  std::optional<LeastLoaded> best;
  for (std::size_t step = 0; step < count; ++step) {
    const std::size_t i = (start + step) % count;
    if (!usable(i)) continue;
    const std::uint64_t its_load = load(i);
    // a/wa < b/wb, without dividing
    if (!best || its_load * weights.of(best->index) < best->load * weights.of(i))
      best = LeastLoaded{i, its_load};
  }
  return best;
}

// The same by seats, and takes the seat: `seats(i)` are atomics that all workers share, so that several at
// once still fill the members evenly.
template <class Usable, class Seats>
[[nodiscard]] std::optional<std::size_t> take_fewest(std::size_t count, Weights weights,
                                                     std::atomic<std::uint64_t>& turn, Usable usable,
                                                     Seats seats) {
  const std::uint64_t start = turn.fetch_add(1, std::memory_order_relaxed);
  for (;;) {
    const auto chosen = least_loaded(count, weights, start, usable,
                                     [&](std::size_t i) { return seats(i).load(std::memory_order_acquire); });
    if (!chosen) return std::nullopt;
    auto seen = static_cast<std::uint32_t>(chosen->load);
    if (seats(chosen->index).compare_exchange_strong(seen, seen + 1, std::memory_order_acq_rel))
      return chosen->index;
    // Somebody sat down there first: look again.
  }
}

[[nodiscard]] inline std::uint64_t mixed(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// The same member for the same client as long as it is usable (rendezvous hashing: when a member goes, only
// its clients move). `identity(i)` is a member's own, whatever its place in the list.
template <class Usable, class Identity>
[[nodiscard]] std::optional<std::size_t> by_hash(std::size_t count, Weights weights, std::uint64_t client,
                                                 Usable usable, Identity identity) {
  std::optional<std::size_t> best;
  double best_score = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!usable(i)) continue;
    constexpr double range = 18446744073709551616.0;  // 2^64
    const double part = (static_cast<double>(mixed(client ^ identity(i))) + 1) / (range + 1);
    const double score = -static_cast<double>(weights.of(i)) / std::log(part);
    if (best && score <= best_score) continue;
    best = i;
    best_score = score;
  }
  return best;
}

}  // namespace passerelle::policy
