// The end of what is at a member that is down, has left, or is drained by hand; and of tunnels all together.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.h"
#include "proxy/data_plane.h"
#include "proxy/tunnel_drain.h"
#include "proxy/worker_thread.h"

namespace passerelle::proxy {
namespace {

// Section 8.3: with draining switched off.
constexpr std::chrono::seconds drain_timeout_without_draining{30};

}  // namespace

void DataPlane::on_health(const std::shared_ptr<board::Member>& member, model::Health health) {
  if (health != model::Health::down) return;
  Duration delay = drain_timeout_without_draining;
  for (std::size_t i = 0; i < snapshot_->groups.size(); ++i) {
    const model::BackendSettings& settings = snapshot_->gateway->groups[i].settings;
    if (settings.name != member->settings_name) continue;
    // minServers may send it requests all the same: those are not cut.
    if (settings.probe.min_servers > 0) return;
    if (settings.drain_timeout) delay = *settings.drain_timeout;
  }
  tasks_.spawn(end_down_member(member, delay));
}

io::Task<> DataPlane::end_down_member(std::shared_ptr<board::Member> member, Duration delay) {
  const auto departure = ++member->departures;
  const bool slept = co_await control_.sleep(control_.in(delay, tasks_.stop_source()));
  if (!slept || member->departures != departure || member->health.load() != model::Health::down) co_return;
  const bool tunnels_too = snapshot_->gateway->options.unhealthy_drains_tunnels;
  visit_workers([&](Worker& worker) {
    worker.end_requests_of(*member);
    if (tunnels_too)
      worker.leave_tunnels_of(*member, TunnelEnd::unhealthy, {.code = 1012, .reason = "the member is down"});
  });
}

void DataPlane::note_leaving(const Snapshot& before, bool configured) {
  std::set<const board::Member*> here;
  for (const board::Group& group : snapshot_->groups) {
    for (const auto& member : group.members) here.insert(member.get());
  }
  std::map<std::string, Duration> drains;
  for (std::size_t i = 0; i < before.groups.size(); ++i) {
    const model::BackendSettings& settings = before.gateway->groups[i].settings;
    const Duration delay = settings.drain_timeout.value_or(drain_timeout_without_draining);
    drains[settings.name] = delay;
    for (const auto& member : before.groups[i].members) {
      if (!here.insert(member.get()).second) continue;
      tasks_.spawn(end_left_member(member, delay, configured && settings.drain_timeout));
    }
  }
  if (!configured || !snapshot_->gateway->options.update_drains_tunnels) return;
  for (const auto& [settings, delay] : drains) tasks_.spawn(end_by_update(settings, delay));
}

bool DataPlane::is_here(const board::Member& member) const {
  for (const board::Group& group : snapshot_->groups) {
    for (const auto& each : group.members) {
      if (each.get() == &member) return true;
    }
  }
  return false;
}

io::Task<> DataPlane::end_left_member(std::shared_ptr<board::Member> member, Duration delay,
                                      bool tunnels_too) {
  const auto departure = ++member->departures;
  const auto came_back = [&] { return member->departures != departure || is_here(*member); };
  // What was removed by DNS goes on: that is no decision of whoever runs the gateway.
  TunnelDrain tunnels(
      threads_, tunnels_too ? member.get() : nullptr, TunnelEnd::member_left,
      {.code = 1012,
       .reason = fmt::format("the member left with version {} of the configuration", version_)});
  if (tunnels_too && tunnels.tunnels() > 0)
    events_.info("configuration", "member {} leaves: its {} tunnel{} drain over {} s", member->address,
                 tunnels.tunnels(), tunnels.tunnels() == 1 ? "" : "s",
                 std::chrono::duration_cast<std::chrono::seconds>(delay).count());
  if (tunnels_too) {
    if (!co_await leave_evenly(tunnels, delay, came_back)) co_return;
  } else if (!co_await control_.sleep(control_.in(delay, tasks_.stop_source())) || came_back()) {
    co_return;
  }
  // Nobody probes it any more: should it come back, it has to answer first.
  member->health = model::Health::unknown;
  visit_workers([&](Worker& worker) { worker.end_requests_of(*member); });
}

io::Task<> DataPlane::end_by_update(std::string settings, Duration delay) {
  const TimePoint update = control_.now();
  if (!co_await control_.sleep(control_.in(delay, tasks_.stop_source()))) co_return;
  visit_workers([&](Worker& worker) { worker.end_tunnels_of(settings, update, TunnelEnd::update); });
}

std::vector<std::shared_ptr<board::Member>> DataPlane::find_members(std::string_view pool,
                                                                    std::string_view settings,
                                                                    std::string_view name) const {
  std::vector<std::shared_ptr<board::Member>> out;
  for (std::size_t i = 0; i < snapshot_->groups.size(); ++i) {
    const model::BackendGroup& group = snapshot_->gateway->groups[i];
    if (!equals_ignoring_case(group.pool, pool) || !equals_ignoring_case(group.settings_name, settings))
      continue;
    for (const auto& member : snapshot_->groups[i].members) {
      if (equals_ignoring_case(member->address, name) || equals_ignoring_case(member->name, name))
        out.push_back(member);
    }
    for (const auto& leaving : snapshot_->groups[i].leaving) {
      if (equals_ignoring_case(leaving.member->address, name) ||
          equals_ignoring_case(leaving.member->name, name))
        out.push_back(leaving.member);
    }
  }
  return out;
}

Duration DataPlane::drain_time(const board::Member& member) const {
  for (const model::BackendGroup& group : snapshot_->gateway->groups) {
    if (group.settings_name == member.settings_name && group.settings.drain_timeout)
      return *group.settings.drain_timeout;
  }
  return drain_timeout_without_draining;
}

Duration DataPlane::drain_member(const std::shared_ptr<board::Member>& member) {
  if (member->works()) {
    member->duty = board::Duty::draining;
    const Duration over = drain_time(*member);
    directory_.set_drained(*member, control_.now() + over);
    tasks_.spawn(end_drained_member(member, over));
  }
  return std::max(Duration::zero(), member->drain_ends - control_.now());
}

void DataPlane::resume_member(board::Member& member) {
  if (member.works()) return;
  ++member.drains;
  member.drain_ends = {};
  directory_.forget_drained(member);
  // It has been away: it is spared at first as one that comes back from a failure is.
  member.note_return(control_.now());
  member.duty = board::Duty::working;
  events_.info("drain", "member {} is back", member.address);
}

void DataPlane::go_on_draining(const std::shared_ptr<board::Member>& member) {
  tasks_.spawn(end_drained_member(member, std::max(Duration::zero(), member->drain_ends - control_.now())));
}

io::Task<> DataPlane::end_drained_member(std::shared_ptr<board::Member> member, Duration over) {
  const auto drain = ++member->drains;
  member->drain_ends = control_.now() + over;
  const Farewell farewell{.code = 1012, .reason = "the member is drained by the operator"};
  TunnelDrain tunnels(threads_, member.get(), TunnelEnd::operator_closed, farewell);
  if (over > Duration::zero())
    events_.info("drain", "member {} is drained by the operator: its {} tunnel{} leave over {} s",
                 member->address, tunnels.tunnels(), tunnels.tunnels() == 1 ? "" : "s",
                 std::chrono::duration_cast<std::chrono::seconds>(over).count());
  if (!co_await leave_evenly(tunnels, over, [&] { return member->drains != drain; })) co_return;
  member->duty = board::Duty::out;
  visit_workers([&](Worker& worker) {
    worker.end_requests_of(*member);
    // Of who came meanwhile by an affinity cookie.
    worker.leave_tunnels_of(*member, TunnelEnd::operator_closed, farewell);
  });
}

void DataPlane::end_tunnels(Duration over, TunnelEnd why, Farewell farewell) {
  tasks_.spawn(end_tunnels_over(over, why, std::move(farewell)));
}

io::Task<> DataPlane::end_tunnels_over(Duration over, TunnelEnd why, Farewell farewell) {
  const auto version = version_;
  TunnelDrain tunnels(threads_, nullptr, why, std::move(farewell));
  (void)co_await leave_evenly(tunnels, over, [&] { return version_ != version; });
}

io::Task<bool> DataPlane::leave_evenly(TunnelDrain& tunnels, Duration over, std::function<bool()> given_up) {
  const TimePoint end = control_.now() + over;
  while (control_.now() < end) {
    const TimePoint next = std::min(end, control_.now() + TunnelDrain::interval(over));
    if (!co_await control_.sleep({next, &tasks_.stop_source()}) || given_up()) co_return false;
    tunnels.step(std::chrono::duration<double>(end - control_.now()) / over);
  }
  tunnels.step(0);
  co_return true;
}

}  // namespace passerelle::proxy
