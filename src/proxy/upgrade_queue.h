// How many WebSocket handshakes are under way at a member at a time; the others wait, first come, first
// served.
#pragma once

#include <memory>
#include <optional>
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

  // A handshake's, until it has come to something. Gives it to the next one. Movable.
  class Slot {
   public:
    Slot() = default;
    Slot(UpgradeQueue& queue, std::shared_ptr<const board::Member> member)
        : queue_(&queue), member_(std::move(member)) {}
    Slot(Slot&& other) noexcept
        : queue_(std::exchange(other.queue_, nullptr)), member_(std::move(other.member_)) {}
    Slot& operator=(Slot&& other) noexcept {
      std::swap(queue_, other.queue_);
      std::swap(member_, other.member_);
      return *this;
    }
    ~Slot() {
      if (queue_ != nullptr) queue_->give_back(member_.get());
    }

   private:
    UpgradeQueue* queue_ = nullptr;
    std::shared_ptr<const board::Member> member_;
  };

  // None: too many wait already, it took too long, or the worker stops.
  [[nodiscard]] io::Task<std::optional<Slot>> enter(std::shared_ptr<const board::Member> member,
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
  };
  void give_back(const board::Member* member);

  io::Engine& engine_;
  const Limits& limits_;
  telemetry::Counters& counters_;
  std::unordered_map<const board::Member*, std::unique_ptr<Place>> places_;  // of members that are asked now
  std::size_t waiting_ = 0;
};

}  // namespace passerelle::proxy
