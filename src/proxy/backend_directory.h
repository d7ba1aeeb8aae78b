// Which members each group has now: fixed addresses, and names as DNS answers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/binary.h"
#include "board/member.h"
#include "io/resolver.h"
#include "io/task_group.h"
#include "model/gateway.h"
#include "telemetry/event_log.h"

namespace passerelle::proxy {

// A resource on the control plane's engine. Every address of a name is a member; TTLs are followed; when a
// name cannot be resolved its last good answer stays (behaviour sheet, section 9).
class BackendDirectory {
 public:
  BackendDirectory(io::Engine& engine, io::Resolver& resolver, telemetry::EventLog& events,
                   std::function<void()> on_change);

  // The gateway whose names are followed from now on.
  void set_gateway(const model::Gateway& gateway);
  // The groups of that gateway, as of now.
  [[nodiscard]] std::vector<board::Group> groups(const model::Gateway& gateway);
  [[nodiscard]] std::shared_ptr<board::Member> member(const std::string& name, const Endpoint& endpoint,
                                                      bool tls, const std::string& settings) {
    return members_.get(name, endpoint, tls, settings);
  }
  // Verdicts and answers of DNS, for a process that begins where this one is; what was restored of verdicts
  // holds for members that appear before it is forgotten.
  void save(BinaryWriter& out) const;
  void restore(BinaryReader& in);
  void set_drained(const board::Member& member, TimePoint ends) { members_.set_drained(member, ends); }
  void forget_drained(const board::Member& member) { members_.forget_drained(member); }
  // Apart, for a process from before there was such a thing does not send it.
  void save_drained(BinaryWriter& out) const { members_.save_drained(out, engine_.now()); }
  void restore_drained(BinaryReader& in) { members_.restore_drained(in, engine_.now()); }
  void forget_restored() { members_.forget_restored(); }
  [[nodiscard]] io::Task<> stop();

 private:
  struct Name {
    std::vector<IpAddress> addresses;  // the last good answer
    bool told = false;                 // that it cannot be resolved
    std::unique_ptr<io::StopSource> stop;
  };
  io::Task<> follow(std::string host, io::StopSource& stop);

  io::Engine& engine_;
  io::Resolver& resolver_;
  telemetry::EventLog& events_;
  std::function<void()> on_change_;
  board::Members members_;
  std::map<std::string, std::unique_ptr<Name>> names_;
  std::vector<std::unique_ptr<io::StopSource>> retired_;  // of names that came back; few and small
  // What a group of that name has besides what is configured; it outlives configurations.
  struct Memory {
    std::shared_ptr<std::atomic<std::uint64_t>> turn;
    std::vector<board::Group::Leaving> before;  // the members it had last
    struct Leaving {
      board::Group::Leaving who;
      TimePoint until;
    };
    std::vector<Leaving> leaving;
  };
  void note_leaving(Memory& memory, board::Group& group, const model::BackendSettings& settings);
  // Once it is over: the groups are asked for anew.
  io::Task<> forget_later(Duration after);
  std::map<std::string, Memory> memories_;
  io::TaskGroup tasks_;
};

}  // namespace passerelle::proxy
