#include "proxy/upgrade_queue.h"

namespace passerelle::proxy {

io::Task<std::optional<UpgradeQueue::Slot>> UpgradeQueue::enter(std::shared_ptr<const board::Member> member,
                                                                io::StopSource& stop) {
  auto& place = places_[member.get()];
  if (!place) place = std::make_unique<Place>();
  if (place->under_way < limits_.member_upgrades_max) {
    ++place->under_way;
    co_return Slot(*this, std::move(member));
  }
  if (waiting_ >= limits_.upgrades_waiting_max) co_return std::nullopt;
  counters_.upgrades_waited.add();
  Waiter waiter(&stop);
  place->waiting.push_back(waiter);
  ++waiting_;
  (void)co_await engine_.sleep(engine_.in(limits_.upgrade_wait_timeout, waiter.woken));
  --waiting_;
  // Whoever gave us the slot counted us in.
  if (waiter.has_slot) co_return Slot(*this, std::move(member));
  co_return std::nullopt;
}

io::Task<bool> UpgradeQueue::pause(io::StopSource& stop) {
  if (waiting_ >= limits_.upgrades_waiting_max) co_return false;
  const Duration interval = limits_.upgrade_retry_interval;
  const auto spread = static_cast<std::uint64_t>(interval.count() / 2);
  ++waiting_;
  const bool slept =
      co_await engine_.sleep(engine_.in(interval + Duration(engine_.random().next() % spread), stop));
  --waiting_;
  co_return slept;
}

void UpgradeQueue::give_back(const board::Member* member) {
  const auto found = places_.find(member);
  Place& place = *found->second;
  if (!place.waiting.empty()) {
    Waiter& next = place.waiting.pop_front();
    next.has_slot = true;
    return next.woken.request_stop();
  }
  // A waiter whose time is up may still be unwinding, but it knows the place no more.
  if (--place.under_way == 0) places_.erase(found);
}

}  // namespace passerelle::proxy
