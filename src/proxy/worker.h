// One core of the data plane: its engine, its listeners, its connections.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "base/limits.h"
#include "http/body_spool.h"
#include "http/workspace.h"
#include "io/engine.h"
#include "io/task_group.h"
#include "io/turn_gate.h"
#include "policy/decision/decide.h"
#include "protocol/http_date.h"
#include "proxy/revocation.h"
#include "proxy/snapshot.h"
#include "proxy/tunnel.h"
#include "proxy/upgrade_queue.h"
#include "proxy/upstream.h"
#include "telemetry/access_log.h"
#include "telemetry/counters.h"
#include "telemetry/ended_tunnels.h"
#include "telemetry/event_log.h"
#include "tls/tls_stream.h"

namespace passerelle::proxy {

class Attempt;

struct WorkerSettings {
  Limits limits;
  telemetry::AccessLogSettings access_log = {};
  AskResponder ask_responder = {};  // of an OCSP responder; none: nothing can be checked
  std::size_t index = 0;            // among the workers
  bool accepting = true;            // false: from accept() on
};

// A resource on its engine's thread; all but the constructor and `counters` are for that thread only.
class Worker {
 public:
  Worker(io::Engine& engine, const WorkerSettings& settings, telemetry::EventLog& events);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // --- for the data plane ---
  void set_snapshot(std::shared_ptr<const Snapshot> snapshot) { snapshot_ = std::move(snapshot); }
  void add_listener(SocketId id, std::unique_ptr<io::Listener> listener);
  // Take what already waits in their backlogs, then close.
  void remove_listeners(SocketId id);
  [[nodiscard]] std::vector<int> listening_descriptors(SocketId id) const;
  void accept();
  // No new connection; idle ones end; what is under way goes on. What waits in the listeners' backlogs is
  // taken, unless another process has them now.
  void drain(bool listeners_handed_over = false);
  // Everything that still runs ends now; co_await the task, then the engine may stop.
  [[nodiscard]] io::Task<> finish();
  void leave_tunnels_of(const board::Member& member, TunnelEnd why, const Farewell& farewell);
  // Its tunnels that have not been asked to leave yet; with a member, of those at it.
  [[nodiscard]] std::size_t tunnels_staying(const board::Member* member) const;
  // Asks so many of them to leave that no more than `may_stay` are left.
  void drain_tunnels(std::size_t may_stay, const board::Member* member, TunnelEnd why,
                     const Farewell& farewell);
  // Azure's way: tunnels under this setting from before that time end, without a word.
  void end_tunnels_of(const std::string& settings, TimePoint before, TunnelEnd why);
  void end_requests_of(const board::Member& member);
  // Of a hand-over: all that can be moved, held still; then one of the two others.
  [[nodiscard]] std::vector<Tunnel::Frozen> freeze_tunnels();
  void thaw_tunnels();
  std::size_t let_go_of_frozen_tunnels();  // how many stay
  void adopt(AdoptedTunnel tunnel);
  [[nodiscard]] std::size_t busy() const { return tasks_.running(); }

  // --- for the journey ---
  io::Engine& engine;
  const Limits limits;
  tls::Workspace tls_workspace;
  http::Workspace http_workspace;
  http::SpoolBudget spool_budget{limits.spool_bytes_max, 0};
  UpstreamPool upstreams;
  io::TurnGate tls_gate;
  UpgradeQueue upgrades;
  RevocationCheck revocation;
  RecyclePool<policy::Decision> decisions{http::Workspace::kept_max};
  const std::size_t index;
  telemetry::Counters counters;
  telemetry::TunnelFrames tunnel_frames;
  telemetry::EndedTunnels ended_tunnels;
  telemetry::AccessLog access_log;
  telemetry::EventLog& events;
  HttpDate http_date;
  IntrusiveList<Tunnel> tunnels;
  IntrusiveList<Attempt> attempts;  // requests under way at a member

  [[nodiscard]] const std::shared_ptr<const Snapshot>& snapshot() const { return snapshot_; }
  [[nodiscard]] io::TaskGroup& tasks() { return tasks_; }
  [[nodiscard]] io::StopSource& stop() { return tasks_.stop_source(); }
  [[nodiscard]] io::StopSource& draining() { return draining_; }
  [[nodiscard]] std::string_view date() { return http_date.at(engine.wall()); }
  // Says why a request failed; at most failures_told_max a second, so that a storm of them is not a storm of
  // lines.
  void tell_failure(std::string_view why);

 private:
  static constexpr unsigned failures_told_max = 10;
  struct Socket {
    std::unique_ptr<io::Listener> listener;
    io::StopSource stop;
  };
  io::Task<> accept_loop(SocketId id, std::shared_ptr<Socket> socket);
  void take(SocketId id, io::Accepted accepted);

  std::shared_ptr<const Snapshot> snapshot_;
  std::multimap<SocketId, std::shared_ptr<Socket>> sockets_;
  io::TaskGroup tasks_;
  io::StopSource draining_;
  bool accepting_;
  bool listeners_handed_over_ = false;
  TimePoint failures_since_{};
  unsigned failures_told_ = 0;
};

}  // namespace passerelle::proxy
