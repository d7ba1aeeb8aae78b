// Round robin over the members that may be used (Azure: per pool and setting; docs/decisions/0007: over all
// workers).
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace passerelle::policy {

// The next of `count` members for which `usable(i)`; `turn` is the group's, shared by all workers. Exact over
// usable members as long as which are usable does not change.
template <class Usable>
[[nodiscard]] std::optional<std::size_t> round_robin(std::size_t count, std::atomic<std::uint64_t>& turn,
                                                     Usable usable) {
  std::size_t usable_count = 0;
  for (std::size_t i = 0; i < count; ++i) usable_count += usable(i) ? 1 : 0;
  if (usable_count == 0) return std::nullopt;
  std::size_t skip = turn.fetch_add(1, std::memory_order_relaxed) % usable_count;
  std::optional<std::size_t> last;
  for (std::size_t i = 0; i < count; ++i) {
    if (!usable(i)) continue;
    if (skip-- == 0) return i;
    last = i;
  }
  return last;  // one turned unusable meanwhile
}

}  // namespace passerelle::policy
