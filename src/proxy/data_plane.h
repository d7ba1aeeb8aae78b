// What the control plane sees of the traffic: prepare a configuration, commit it, drain, stop.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/problem.h"
#include "proxy/backend_directory.h"
#include "proxy/prober.h"
#include "proxy/snapshot.h"
#include "proxy/tls_contexts.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

struct DataPlaneSettings {
  unsigned workers = 1;
  WorkerSettings worker;
  std::shared_ptr<const tls::Staples> staples;  // filled by who asks OCSP responders
};

// A thread with its engine and its worker. Owned by DataPlane.
class WorkerThread;

// A resource on the control plane's engine. Workers run from start to stop(); snapshots reach them as
// messages, each acknowledged, so that after commit() every worker works by the new configuration.
class DataPlane {
 public:
  DataPlane(io::Engine& control, Clock& clock, io::Resolver& resolver, const DataPlaneSettings& settings,
            telemetry::EventLog& events);
  ~DataPlane();

  // Opens what is new and builds what is needed. With a problem nothing is changed; what was opened is closed
  // again.
  [[nodiscard]] Problems prepare(std::shared_ptr<const model::Gateway> gateway);
  // Makes the prepared configuration the one in force, on every worker. Connections and tunnels go on
  // untouched.
  void commit();

  // The same configuration with other error pages: nothing else of it may differ.
  void refresh(std::shared_ptr<const model::Gateway> gateway);

  // Stops accepting; true when everything under way ended before the deadline or a stop.
  [[nodiscard]] io::Task<bool> drain(io::Wait wait);
  // Ends what is left and joins the threads. Last.
  [[nodiscard]] io::Task<> stop();

  // --- for those who look ---
  struct OpenListener {
    std::string listener;
    std::vector<Endpoint> addresses;  // with the port really bound
    bool tls = false;
  };
  [[nodiscard]] std::vector<OpenListener> open_listeners() const;
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  [[nodiscard]] std::vector<const telemetry::Counters*> counters() const;
  [[nodiscard]] std::vector<const telemetry::TunnelFrames*> tunnel_frames() const;
  [[nodiscard]] std::vector<std::shared_ptr<const telemetry::RouteCounters>> route_counters() const;
  // Probes every member of a group with this probe, now and all at once; their standing stays what it is.
  struct Probed {
    std::shared_ptr<board::Member> member;
    board::ProbeReport report;
  };
  [[nodiscard]] io::Task<std::vector<Probed>> probe_now(model::Index group, model::Probe probe);
  // Runs `look` with each worker on its own thread, one after the other, and waits.
  void visit_workers(const std::function<void(Worker&)>& look);

 private:
  struct BoundSocket {
    SocketId id = 0;
    Endpoint asked;  // with the port of the configuration
    Endpoint bound;
    std::string frontend;
    std::vector<std::unique_ptr<io::Listener>> fresh;  // one a worker, until committed
  };
  struct Prepared {
    std::shared_ptr<Snapshot> snapshot;
    std::vector<BoundSocket> sockets;
  };
  // By destination.
  std::vector<std::shared_ptr<const RouteNames>> names_of(const model::Gateway& gateway);
  std::shared_ptr<const telemetry::RouteCounters> counters_of(const RouteNames& names);
  void open_sockets(const model::Gateway& gateway, Prepared& prepared, Problems& problems);
  void note_bound(Prepared& prepared, SocketId id, model::Index frontend, std::uint16_t port);
  Result<BoundSocket> bind_socket(const Endpoint& asked, std::uint16_t port, const Prepared& prepared);
  void close_fresh(Prepared& prepared);
  // New members, same configuration: DNS has spoken.
  void publish_members();
  void publish(std::shared_ptr<const Snapshot> snapshot);
  [[nodiscard]] std::vector<ProbeTarget> probe_targets(std::size_t group) const;
  void update_probes();
  void on_health(const std::shared_ptr<board::Member>& member, model::Health health);
  // Section 8.3: what is under way at a member that is down may go on for the drain timeout, then it ends.
  io::Task<> end_down_member(std::shared_ptr<board::Member> member, Duration delay);
  // The same for one that has left the configuration. Its tunnels go on (founding document).
  void note_leaving(const Snapshot& before);
  io::Task<> rotate_ticket_keys();
  io::Task<> end_left_member(std::shared_ptr<board::Member> member, Duration delay);

  io::Engine& control_;
  TlsContexts tls_;
  std::vector<std::unique_ptr<WorkerThread>> threads_;
  std::vector<BoundSocket> sockets_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Prepared> prepared_;
  SocketId next_socket_ = 0;
  // By listener, rule and pool. Past routes_counted_max new ones share one entry without names.
  static constexpr std::size_t routes_counted_max = 10'000;
  std::map<std::array<std::string, 3>, std::shared_ptr<const telemetry::RouteCounters>> route_counters_;
  BackendDirectory directory_;
  Prober prober_;
  io::TaskGroup tasks_;
};

// What "address in use" or "permission denied" means for this frontend, and what to do.
[[nodiscard]] Problem bind_problem(const model::Gateway& gateway, const model::Frontend& frontend,
                                   const Endpoint& endpoint, const Error& error);

}  // namespace passerelle::proxy
