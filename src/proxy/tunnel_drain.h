// Many tunnels leave evenly over a time, so that their clients do not come back all at once.
#pragma once

#include <memory>
#include <vector>

#include "proxy/worker_thread.h"

namespace passerelle::proxy {

// A value of one draining; on the control plane's thread. Of all tunnels, or of those at one member.
class TunnelDrain {
 public:
  using Threads = std::vector<std::unique_ptr<WorkerThread>>;
  TunnelDrain(const Threads& threads, const board::Member* member, TunnelEnd why, Farewell farewell)
      : threads_(threads), member_(member), why_(why), farewell_(std::move(farewell)) {
    for (const auto& thread : threads_)
      thread->call([&](const Worker& worker) { at_first_.push_back(worker.tunnels_staying(member_)); });
  }

  // `left` of the time, from 1 to 0: as large a part of the tunnels may stay.
  void step(double left);
  [[nodiscard]] std::size_t tunnels() const;

  // Often enough to be even, and not more often.
  static Duration interval(Duration span) {
    constexpr int steps = 500;
    return std::clamp<Duration>(span / steps, std::chrono::milliseconds(20), std::chrono::milliseconds(500));
  }

 private:
  const Threads& threads_;
  const board::Member* member_;  // null: all
  TunnelEnd why_;
  Farewell farewell_;
  std::vector<std::size_t> at_first_;  // by worker
};

}  // namespace passerelle::proxy
