// How many WebSocket handshakes are under way at a member at a time; the others wait, first come, first
// served.
#pragma once

#include <memory>
#include <unordered_map>
#include <utility>

#include "base/intrusive_list.h"
#include "base/limits.h"
#include "board/member.h"
#include "io/engine.h"
#include "io/task.h"
#include "telemetry/counters.h"

namespace passerelle::proxy {

// A resource of its worker. When many clients come back at once a member, and whatever stands behind it, is
// asked as fast as it answers and not faster.
class UpgradeQueue {
 public:
  UpgradeQueue(io::Engine& engine, const Limits& limits, telemetry::Counters& counters)
      : engine_(engine), limits_(limits), counters_(counters) {}
  UpgradeQueue(const UpgradeQueue&) = delete;
  UpgradeQueue& operator=(const UpgradeQueue&) = delete;

  // A handshake's place at a member, until that has answered, or for upgrade_slot_time. Gives it to the next
  // one.
  class Slot final : private io::Timer {
   public:
    explicit Slot(UpgradeQueue& queue) : queue_(queue) {}
    ~Slot() { release(); }
    void release();

   private:
    friend class UpgradeQueue;
    void on_timer() override { release(); }
    UpgradeQueue& queue_;
    std::shared_ptr<const board::Member> member_;  // null: it has none
  };

  // False: too many wait already, it took too long, or the worker stops.
  [[nodiscard]] io::Task<bool> enter(Slot& slot, std::shared_ptr<const board::Member> member,
                                     io::StopSource& stop);

  // Before a handshake that no member took is tried again: about the retry interval, for each another time.
  // False: it is not to be tried again.
  [[nodiscard]] io::Task<bool> pause(io::StopSource& stop);

 private:
  struct Waiter final : ListNode {
    explicit Waiter(io::StopSource* parent) : woken(parent) {}
    io::StopSource woken;
    bool has_slot = false;
  };
  struct Place {
    std::size_t under_way = 0;
    IntrusiveList<Waiter> waiting;
    std::size_t waiters = 0;
  };
  void take(Slot& slot, std::shared_ptr<const board::Member> member);
  void give_back(const board::Member* member);
  void forget(const board::Member* member, const Place& place);

  io::Engine& engine_;
  const Limits& limits_;
  telemetry::Counters& counters_;
  std::unordered_map<const board::Member*, std::unique_ptr<Place>> places_;  // of members that are asked now
  std::size_t pausing_ = 0;
};

}  // namespace passerelle::proxy
