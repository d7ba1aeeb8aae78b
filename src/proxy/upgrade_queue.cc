#include "proxy/upgrade_queue.h"

namespace passerelle::proxy {

void UpgradeQueue::Slot::release() {
  Timer::disarm();
  if (const auto member = std::exchange(member_, nullptr)) queue_.give_back(member.get());
}

void UpgradeQueue::take(Slot& slot, std::shared_ptr<const board::Member> member) {
  slot.member_ = std::move(member);
  engine_.timers().arm(slot, engine_.now() + limits_.upgrade_slot_time);
}

io::Task<bool> UpgradeQueue::enter(Slot& slot, std::shared_ptr<const board::Member> member,
                                   io::StopSource& stop) {
  auto& known = places_[member.get()];
  if (!known) known = std::make_unique<Place>();
  Place& place = *known;
  if (place.under_way < limits_.member_upgrades_max) {
    ++place.under_way;
    take(slot, std::move(member));
    co_return true;
  }
  if (place.waiters >= limits_.upgrades_waiting_max) co_return false;
  counters_.upgrades_waited.add();
  Waiter waiter(&stop);
  place.waiting.push_back(waiter);
  ++place.waiters;
  (void)co_await engine_.sleep(engine_.in(limits_.upgrade_wait_timeout, waiter.woken));
  // The place is there as long as somebody waits in it.
  --place.waiters;
  if (!waiter.has_slot) {
    waiter.unlink();
    forget(member.get(), place);
    co_return false;
  }
  // Whoever gave us the slot counted us in.
  take(slot, std::move(member));
  co_return true;
}

io::Task<bool> UpgradeQueue::pause(io::StopSource& stop) {
  if (pausing_ >= limits_.upgrades_waiting_max) co_return false;
  const Duration interval = limits_.upgrade_retry_interval;
  const auto spread = static_cast<std::uint64_t>(interval.count() / 2);
  ++pausing_;
  const bool slept =
      co_await engine_.sleep(engine_.in(interval + Duration(engine_.random().next() % spread), stop));
  --pausing_;
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
  --place.under_way;
  forget(member, place);
}

void UpgradeQueue::forget(const board::Member* member, const Place& place) {
  if (place.under_way == 0 && place.waiters == 0) places_.erase(member);
}

}  // namespace passerelle::proxy
