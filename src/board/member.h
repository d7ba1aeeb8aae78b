// One address under one backend setting: its health, and what it carries.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/binary.h"
#include "base/clock.h"
#include "base/endpoint.h"
#include "model/health.h"

namespace passerelle::board {

using model::Health;

// What the last probe did, in words.
struct ProbeReport {
  WallTime when{};
  std::string sent;
  std::string expected;
  std::string received;
  std::string hint;
  bool success = false;
};

// Whether an operator lets it have traffic.
enum class Duty : std::uint8_t {
  working,
  draining,  // only who has its affinity cookie still gets there
  out,       // nobody does
};

// A resource shared by the prober and all workers; atomics are single numbers, the report has a lock.
class Member {
 public:
  Member(std::string name_text, Endpoint endpoint_value, bool tls_value, std::string settings)
      : name(std::move(name_text)),
        endpoint(std::move(endpoint_value)),
        address(endpoint.to_string()),
        tls(tls_value),
        settings_name(std::move(settings)),
        identity(std::hash<std::string>()(name + "|" + address)) {}

  const std::string name;  // as the template has it
  const Endpoint endpoint;
  const std::string address;
  const bool tls;
  const std::string settings_name;
  const std::uint64_t identity;  // for hashing clients to members

  std::atomic<Health> health = Health::unknown;
  // Set by the control plane.
  std::atomic<Duty> duty = Duty::working;
  [[nodiscard]] bool works() const { return duty.load(std::memory_order_relaxed) == Duty::working; }
  // What is shown.
  [[nodiscard]] Health standing() const { return works() ? health.load() : Health::draining; }
  // When it came back after it was down, and how many tunnels it was given since
  // (policy/balancing/slow_start).
  std::atomic<TimePoint> returned = TimePoint::min();
  std::atomic<std::uint32_t> tunnels_since_return = 0;
  void note_return(TimePoint now) {
    tunnels_since_return = 0;
    returned = now;
  }
  // How often it left or went down: whoever waits for a drain to end knows by it that this is still the same
  // one. The control plane's.
  std::uint32_t departures = 0;
  std::uint32_t drains = 0;  // the same of drains by hand, begun and called off
  TimePoint drain_ends{};    // of the one under way, or of the last

  std::atomic<std::uint32_t> requests = 0;  // under way
  std::atomic<std::uint32_t> tunnels = 0;   // open
  std::atomic<std::uint32_t> seats = 0;     // tunnels, open or being opened

  void set_report(ProbeReport report) {
    const std::lock_guard lock(mutex_);
    report_ = std::move(report);
  }
  [[nodiscard]] ProbeReport report() const {
    const std::lock_guard lock(mutex_);
    return report_;
  }

 private:
  mutable std::mutex mutex_;
  ProbeReport report_;
};

// A place for one tunnel at a member, from the moment it is chosen to the tunnel's end. Movable; gives it
// back.
class Seat {
 public:
  Seat() = default;
  // `taken`: whoever chose the member counted it already.
  Seat(std::shared_ptr<Member> member, bool taken) : member_(std::move(member)) {
    if (!taken) member_->seats.fetch_add(1, std::memory_order_acq_rel);
  }
  Seat(Seat&& other) noexcept : member_(std::move(other.member_)) {}
  Seat& operator=(Seat&& other) noexcept {
    std::swap(member_, other.member_);
    return *this;
  }
  ~Seat() {
    if (member_) member_->seats.fetch_sub(1, std::memory_order_acq_rel);
  }
  [[nodiscard]] const std::shared_ptr<Member>& member() const { return member_; }

 private:
  std::shared_ptr<Member> member_;
};

// The members of a pool under a setting, as they are now; replaced whole when DNS or the configuration says
// so.
struct Group {
  std::vector<std::shared_ptr<Member>> members;
  std::vector<std::uint32_t> weights;  // by member; empty: all the same
  std::vector<std::string> affinity;   // by member: its cookie's value; empty where nobody asks for it
  // Draining: taken out by a configuration or by DNS. Only who has its cookie still gets there, until it is
  // gone.
  struct Leaving {
    std::shared_ptr<Member> member;
    std::string affinity;
  };
  std::vector<Leaving> leaving;
  // Shared by the groups that follow each other, so that a reload does not begin the round anew.
  std::shared_ptr<std::atomic<std::uint64_t>> turn = std::make_shared<std::atomic<std::uint64_t>>(0);
};

// Every member known. The same (name, address, TLS, setting) is the same member after a reload: its verdict
// and its tunnels outlive the configuration. One thread: the control plane's.
class Members {
 public:
  [[nodiscard]] std::shared_ptr<Member> get(const std::string& name, const Endpoint& endpoint, bool tls,
                                            const std::string& settings);

  // Verdicts, for another process; a member that appears there begins with the one it had here.
  void save(BinaryWriter& out) const;
  void restore(BinaryReader& in);
  void forget_restored() { restored_.clear(); }

  // By hand: whoever goes and comes back is still drained, here and in another process.
  void set_drained(const Member& member, TimePoint ends);
  void forget_drained(const Member& member);
  void save_drained(BinaryWriter& out, TimePoint now) const;
  void restore_drained(BinaryReader& in, TimePoint now);

 private:
  static constexpr std::size_t sweep_at_least = 64;
  std::map<std::string, std::weak_ptr<Member>> members_;
  std::size_t sweep_at_ = sweep_at_least;  // members that are gone are forgotten then
  std::map<std::string, Health> restored_;
  std::map<std::string, TimePoint> drained_;  // when each drain ends, or has ended
};

}  // namespace passerelle::board
