#include "board/member.h"

#include <fmt/format.h>

#include <algorithm>

namespace passerelle::board {
namespace {

std::string key_of(const std::string& name, const Endpoint& endpoint, bool tls, const std::string& settings) {
  return fmt::format("{}|{}|{}|{}", name, endpoint.to_string(), tls, settings);
}

}  // namespace

std::shared_ptr<Member> Members::get(const std::string& name, const Endpoint& endpoint, bool tls,
                                     const std::string& settings) {
  // Not at every one: a pool may have tens of thousands.
  if (members_.size() >= sweep_at_) {
    std::erase_if(members_, [](const auto& entry) { return entry.second.expired(); });
    sweep_at_ = 2 * members_.size() + sweep_at_least;
  }
  const std::string key = key_of(name, endpoint, tls, settings);
  auto& place = members_[key];
  auto member = place.lock();
  if (!member) {
    member = std::make_shared<Member>(name, endpoint, tls, settings);
    place = member;
    if (const auto known = restored_.find(key); known != restored_.end()) member->health = known->second;
    if (const auto drained = drained_.find(key); drained != drained_.end()) {
      member->duty = Duty::draining;
      member->drain_ends = drained->second;
    }
  }
  return member;
}

void Members::save(BinaryWriter& out) const {
  std::map<std::string, Health> verdicts;
  for (const auto& [key, place] : members_) {
    if (const auto member = place.lock()) verdicts[key] = member->health.load();
  }
  out.number(static_cast<std::uint32_t>(verdicts.size()));
  for (const auto& [key, health] : verdicts) out.text(key).number(health);
}

void Members::restore(BinaryReader& in) {
  for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left) {
    const std::string key(in.text());
    const auto health = in.number<std::uint8_t>();
    if (in.ok() && health <= static_cast<std::uint8_t>(Health::down))
      restored_[key] = static_cast<Health>(health);
  }
}

void Members::set_drained(const Member& member, TimePoint ends) {
  drained_[key_of(member.name, member.endpoint, member.tls, member.settings_name)] = ends;
}

void Members::forget_drained(const Member& member) {
  drained_.erase(key_of(member.name, member.endpoint, member.tls, member.settings_name));
}

void Members::save_drained(BinaryWriter& out, TimePoint now) const {
  using std::chrono::milliseconds;
  out.number(static_cast<std::uint32_t>(drained_.size()));
  for (const auto& [key, ends] : drained_) {
    const auto left = std::chrono::ceil<milliseconds>(std::max(ends - now, Duration::zero()));
    out.text(key).number(static_cast<std::uint64_t>(left.count()));
  }
}

void Members::restore_drained(BinaryReader& in, TimePoint now) {
  for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left) {
    std::string key(in.text());
    const std::chrono::milliseconds more(in.number<std::uint64_t>());
    if (in.ok()) drained_[std::move(key)] = now + more;
  }
}

}  // namespace passerelle::board
