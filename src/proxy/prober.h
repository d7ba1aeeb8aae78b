// Asks members how they are, again and again (Azure: health probe overview; behaviour sheet, section 10).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "board/member.h"
#include "http/workspace.h"
#include "io/engine.h"
#include "io/task_group.h"
#include "model/gateway.h"
#include "policy/health/verdict.h"
#include "telemetry/event_log.h"
#include "tls/tls_stream.h"

namespace passerelle::proxy {

struct ProbeTarget {
  std::shared_ptr<board::Member> member;
  model::Probe probe;
  std::string pool;                                        // for the log
  std::shared_ptr<const tls::ClientContext> context = {};  // of a member that speaks TLS
  std::string server_name = {};                            // sniName; empty: the Host
};

// A resource on the control plane's engine. A member is probed at once when it appears, every second until it
// first answers, and from then on at the probe's interval, start to start. Verdicts outlive a change of
// configuration.
class Prober {
 public:
  using OnChange = std::function<void(const std::shared_ptr<board::Member>&, model::Health)>;
  Prober(io::Engine& engine, const Limits& limits, telemetry::EventLog& events, OnChange on_change);

  // From now on these, and no others.
  void set_targets(const std::vector<ProbeTarget>& targets);
  [[nodiscard]] io::Task<> stop();

  // One probe, now, on demand: what came of it changes nobody's standing.
  [[nodiscard]] io::Task<board::ProbeReport> probe_now(ProbeTarget target);

 private:
  struct Running {
    ProbeTarget target;
    io::StopSource stop;
    Running(ProbeTarget t, io::StopSource* parent) : target(std::move(t)), stop(parent) {}
  };
  struct Outcome {
    bool answered = false;
    bool our_own_want = false;  // of descriptors: says nothing of the member
    policy::ProbeVerdict verdict;
  };
  board::ProbeReport report_of(const ProbeTarget& target, const Outcome& outcome);
  io::Task<> probe_loop(std::shared_ptr<Running> running);
  io::Task<Outcome> probe_once(const ProbeTarget& target, io::Wait wait);
  io::Task<Result<>> ask(const ProbeTarget& target, io::Wait wait, Outcome& out);
  void tell(const ProbeTarget& target, const Outcome& outcome, model::Health health, bool changed);

  io::Engine& engine_;
  const Limits limits_;
  telemetry::EventLog& events_;
  OnChange on_change_;
  http::Workspace http_workspace_;
  tls::Workspace tls_workspace_;
  io::TaskGroup tasks_;
  std::map<const board::Member*, std::shared_ptr<Running>> running_;
};

}  // namespace passerelle::proxy
