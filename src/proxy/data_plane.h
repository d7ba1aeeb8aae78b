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
#include "io/engine_choice.h"
#include "proxy/backend_directory.h"
#include "proxy/listening.h"
#include "proxy/prober.h"
#include "proxy/snapshot.h"
#include "proxy/tls_contexts.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

struct DataPlaneSettings {
  unsigned workers = 1;
  io::EngineKind engine = io::EngineKind::automatic;  // the workers'
  WorkerSettings worker;
  std::shared_ptr<const tls::Staples> staples;  // filled by who asks OCSP responders
};

// A thread with its engine and its worker. Owned by DataPlane.
class WorkerThread;
class TunnelDrain;

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
  // Or not: closes what prepare() opened.
  void abandon();

  // The same configuration with other error pages: nothing else of it may differ.
  void refresh(std::shared_ptr<const model::Gateway> gateway);

  // Stops accepting, and ends the tunnels evenly over the time; true when everything under way ended before
  // the deadline or a stop.
  [[nodiscard]] io::Task<bool> drain(io::Wait wait, TunnelEnd why, const Farewell& farewell);
  // The tunnels there are leave evenly over the time, unless another configuration comes into force.
  void end_tunnels(Duration over, TunnelEnd why, Farewell farewell);
  // Of the configuration in force, or leaving it: by an address, or by a name of the template, which may have
  // several.
  [[nodiscard]] std::vector<std::shared_ptr<board::Member>> find_members(std::string_view pool,
                                                                         std::string_view settings,
                                                                         std::string_view name) const;
  // It gets nobody new, in any pool that has it under its settings; its tunnels, and its requests at last,
  // end over the time those drain for. What is left of that is returned. It stays so, through reloads and
  // upgrades, until it is told to come back.
  Duration drain_member(const std::shared_ptr<board::Member>& member);
  void resume_member(board::Member& member);
  // Ends what is left and joins the threads. Last.
  [[nodiscard]] io::Task<> stop();

  // What the workers run on.
  [[nodiscard]] std::string_view engine_name() const;

  // --- for a hand-over, in the process that gives (proxy/hand_over.h) ---
  [[nodiscard]] std::vector<SharedSocket> share_sockets() const { return listening_.share(); }
  // What this process has learnt and the next need not: verdicts on members, answers of DNS, ticket keys.
  [[nodiscard]] std::string save_knowledge();
  [[nodiscard]] std::vector<Tunnel::Frozen> freeze_tunnels();
  void thaw_tunnels();
  // How many stay.
  std::size_t let_go_of_frozen_tunnels();
  void expect_shared_descriptors();
  // Once the other has the listeners and the tunnels: what is here goes on, and nothing begins.
  void retire();
  [[nodiscard]] io::Engine& engine() { return control_; }
  // Whether anything still runs.
  [[nodiscard]] bool busy();

  // --- and in the one that takes ---
  void inherit(std::vector<InheritedSocket> sockets, BytesView knowledge);
  struct Arrival {
    MovedTunnel state;
    io::Descriptor client, backend;
  };
  void adopt(std::vector<Arrival> arrivals);
  // With settings.worker.accepting false: from now on. Where sockets were inherited that nobody wanted, they
  // close; their addresses are returned.
  std::vector<Endpoint> accept();

  // --- for those who look ---
  struct OpenListener {
    std::string listener;
    std::vector<Endpoint> addresses;  // with the port really bound
    bool tls = false;
  };
  [[nodiscard]] std::vector<OpenListener> open_listeners() const;
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot() const { return snapshot_; }
  // Whether it is in one of the groups now.
  [[nodiscard]] bool is_here(const board::Member& member) const;
  [[nodiscard]] std::vector<const telemetry::Counters*> counters() const;
  [[nodiscard]] std::vector<const telemetry::TunnelFrames*> tunnel_frames() const;
  [[nodiscard]] std::vector<std::shared_ptr<const telemetry::RouteCounters>> route_counters() const;
  // Probes every member of a group with this probe, now and all at once; their standing stays what it is.
  struct Probed {
    std::shared_ptr<board::Member> member;
    board::ProbeReport report;
  };
  [[nodiscard]] io::Task<std::vector<Probed>> probe_now(model::Index group, model::Probe probe);
  // Whoever waits for one gets what there is; no other begins.
  void stop_probes_on_demand() { on_demand_.request_stop(); }
  // Runs `look` with each worker on its own thread, one after the other, and waits.
  void visit_workers(const std::function<void(Worker&)>& look);

 private:
  struct Prepared {
    std::shared_ptr<Snapshot> snapshot;
    std::vector<Listening::Socket> sockets;
  };
  // By destination.
  std::vector<std::shared_ptr<const RouteNames>> names_of(const model::Gateway& gateway);
  std::shared_ptr<const telemetry::RouteCounters> counters_of(const RouteNames& names);
  // New members, same configuration: DNS has spoken.
  void publish_members();
  // `configured`: by a configuration, rather than by DNS.
  void publish(std::shared_ptr<const Snapshot> snapshot, bool configured = false);
  [[nodiscard]] std::vector<ProbeTarget> probe_targets(std::size_t group) const;
  void update_probes();
  void on_health(const std::shared_ptr<board::Member>& member, model::Health health);
  // Section 8.3: what is under way at a member that is down may go on for the drain timeout, then it ends.
  io::Task<> end_down_member(std::shared_ptr<board::Member> member, Duration delay);
  // The same for one that has left; where its settings drain, and a configuration removed it, its tunnels
  // leave over that time.
  void note_leaving(const Snapshot& before, bool configured);
  [[nodiscard]] TunnelTag tag_of(const MovedTunnel& moved, std::shared_ptr<board::Member> member);
  [[nodiscard]] std::shared_ptr<board::Member> member_of(const MovedTunnel::Member& moved);
  io::Task<> rotate_ticket_keys();
  io::Task<> end_left_member(std::shared_ptr<board::Member> member, Duration delay, bool tunnels_too);
  void go_on_draining(const std::shared_ptr<board::Member>& member);
  io::Task<> end_drained_member(std::shared_ptr<board::Member> member, Duration over);
  io::Task<> end_tunnels_over(Duration over, TunnelEnd why, Farewell farewell);
  // Steps to the end of the time; false: given up before that.
  io::Task<bool> leave_evenly(TunnelDrain& tunnels, Duration over, std::function<bool()> given_up);
  [[nodiscard]] Duration drain_time(const board::Member& member) const;
  // azureParity.updateDrainsTunnels.
  io::Task<> end_by_update(std::string settings, Duration delay);

  io::Engine& control_;
  telemetry::EventLog& events_;
  TlsContexts tls_;
  std::vector<std::unique_ptr<WorkerThread>> threads_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::unique_ptr<Prepared> prepared_;
  // Past routes_counted_max new ones share one entry without names.
  static constexpr std::size_t routes_counted_max = 10'000;
  std::map<telemetry::RouteKey, std::shared_ptr<const telemetry::RouteCounters>> route_counters_;
  std::map<MovedTunnel::Route, std::weak_ptr<const RouteNames>> moved_names_;
  std::size_t next_worker_ = 0;  // gets the next tunnel that arrives
  bool retired_ = false;
  std::uint64_t version_ = 0;  // of the configuration in force
  BackendDirectory directory_;
  Prober prober_;
  io::TaskGroup tasks_;
  io::StopSource on_demand_{&tasks_.stop_source()};
  Listening listening_;
};

}  // namespace passerelle::proxy
