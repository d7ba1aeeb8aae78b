#include "proxy/member_choice.h"

#include <algorithm>
#include <utility>

#include "policy/affinity/affinity.h"
#include "policy/balancing/balancing.h"
#include "policy/balancing/slow_start.h"

namespace passerelle::proxy {

MemberChoice::MemberChoice(const model::BackendGroup& configured, const board::Group& group,
                           const MessageHead& request, const policy::ClientFacts& client, bool fewest_tunnels,
                           TimePoint now)
    : configured_(configured), group_(group), client_(client), fewest_tunnels_(fewest_tunnels), now_(now) {
  const std::string& cookie = configured_.settings.affinity_cookie;
  if (!cookie.empty()) asked_ = policy::affinity_asked(request, cookie).value_or("");
}

bool MemberChoice::is_up(std::size_t i) const {
  return group_.members[i]->health.load(std::memory_order_relaxed) == model::Health::up;
}

bool MemberChoice::is_among_first(std::size_t i) const {
  std::size_t before = 0;
  for (std::size_t other = 0; other < i; ++other) before += group_.members[other]->works() ? 1 : 0;
  return before < configured_.settings.probe.min_servers;
}

bool MemberChoice::usable(std::size_t i, bool too_few) const {
  // minServers (section 10.2): when fewer answer their probes, the first ones count as healthy all the same.
  if (!is_up(i) && !(too_few && is_among_first(i))) return false;
  const board::Member& member = *group_.members[i];
  return member.duty.load(std::memory_order_relaxed) != board::Duty::out && !has_failed(member);
}

bool MemberChoice::may_have(std::size_t i, bool too_few) const {
  const board::Member& member = *group_.members[i];
  if (!member.works() || !usable(i, too_few)) return false;
  return !slowly_ || policy::is_warm_enough(now_ - std::max(member.returned.load(), TimePoint{}),
                                            member.tunnels_since_return.load());
}

bool MemberChoice::has_failed(const board::Member& member) const {
  const auto end = failed_.begin() + failed_count_;
  return std::find(failed_.begin(), end, &member) != end;
}

ChosenMember MemberChoice::next(bool websocket, std::size_t at_most) {
  if (failed_count_ >= std::min(tries_max, at_most)) return {};
  slowly_ = websocket;
  ChosenMember out = find(websocket);
  // Better one that is still cold than none.
  if (!out.member && std::exchange(slowly_, false)) out = find(websocket);
  if (websocket && out.member) out.member->tunnels_since_return.fetch_add(1, std::memory_order_relaxed);
  return out;
}

ChosenMember MemberChoice::find(bool websocket) {
  const std::size_t count = group_.members.size();
  std::size_t healthy = 0;
  for (std::size_t i = 0; i < count; ++i) healthy += is_up(i) && group_.members[i]->works() ? 1 : 0;
  const bool too_few = healthy < configured_.settings.probe.min_servers;
  for (std::size_t i = 0; preferred_ != nullptr && i < count; ++i) {
    if (group_.members[i].get() == preferred_ && usable(i, too_few)) return chosen(i, websocket, false);
  }
  if (!asked_.empty()) {
    const auto own = std::ranges::find(group_.affinity, asked_);
    const auto i = static_cast<std::size_t>(own - group_.affinity.begin());
    if (own != group_.affinity.end() && usable(i, too_few)) return chosen(i, websocket, false);
    if (auto leaving = own_but_leaving(websocket); leaving.member) return leaving;
  }
  if (websocket && fewest_tunnels_) {
    const auto taken = policy::take_fewest(
        count, policy::Weights(group_.weights), *group_.turn,
        [&](std::size_t i) { return may_have(i, too_few); },
        [&](std::size_t i) -> auto& { return group_.members[i]->seats; });
    return taken ? chosen(*taken, true, true) : ChosenMember{};
  }
  const auto balanced = balance(too_few);
  return balanced ? chosen(*balanced, websocket, false) : ChosenMember{};
}

// Affinity overrides draining (section 8.3).
ChosenMember MemberChoice::own_but_leaving(bool websocket) const {
  for (const board::Group::Leaving& each : group_.leaving) {
    if (each.affinity != asked_ || has_failed(*each.member) ||
        each.member->health.load() != model::Health::up ||
        each.member->duty.load(std::memory_order_relaxed) == board::Duty::out)
      continue;
    return {each.member, websocket ? board::Seat(each.member, false) : board::Seat(), each.affinity};
  }
  return {};
}

std::optional<std::size_t> MemberChoice::balance(bool too_few) const {
  const std::size_t count = group_.members.size();
  const policy::Weights weights(group_.weights);
  const auto may = [&](std::size_t i) { return may_have(i, too_few); };
  switch (configured_.balancing) {
    case model::Balancing::round_robin: break;
    case model::Balancing::least_connections: {
      const auto load = [&](std::size_t i) {
        const board::Member& member = *group_.members[i];
        return std::uint64_t{member.requests.load(std::memory_order_relaxed)} +
               member.tunnels.load(std::memory_order_relaxed);
      };
      const auto turn = group_.turn->fetch_add(1, std::memory_order_relaxed);
      const auto found = policy::least_loaded(count, weights, turn, may, load);
      return found ? std::optional(found->index) : std::nullopt;
    }
    case model::Balancing::ip_hash:
      return policy::by_hash(count, weights, std::hash<std::string_view>()(client_.ip), may,
                             [&](std::size_t i) { return group_.members[i]->identity; });
  }
  return policy::round_robin(count, weights, *group_.turn, may);
}

ChosenMember MemberChoice::chosen(std::size_t i, bool websocket, bool seat_taken) const {
  ChosenMember out;
  out.member = group_.members[i];
  if (websocket) out.seat = board::Seat(out.member, seat_taken);
  if (!group_.affinity.empty()) out.affinity = group_.affinity[i];
  return out;
}

void MemberChoice::note_failed(const board::Member& member) {
  if (failed_count_ < tries_max) failed_[failed_count_++] = &member;
}

}  // namespace passerelle::proxy
