#include "proxy/data_plane.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "proxy/tunnel_drain.h"
#include "proxy/worker_thread.h"

namespace passerelle::proxy {
DataPlane::DataPlane(io::Engine& control, Clock& clock, io::Resolver& resolver,
                     const DataPlaneSettings& settings, telemetry::EventLog& events)
    : control_(control),
      events_(events),
      tls_(settings.staples),
      directory_(control, resolver, events, [this] { publish_members(); }),
      prober_(control, settings.worker.limits, events,
              [this](const std::shared_ptr<board::Member>& member, model::Health health) {
                on_health(member, health);
              }),
      tasks_(control),
      listening_(control, threads_) {
  for (unsigned i = 0; i < settings.workers; ++i) {
    WorkerSettings own = settings.worker;
    own.index = i;
    threads_.push_back(std::make_unique<WorkerThread>(clock, settings.engine, own, events));
  }
  tasks_.spawn(rotate_ticket_keys());
}

DataPlane::~DataPlane() = default;

std::string_view DataPlane::engine_name() const { return threads_.front()->engine().name(); }

std::vector<std::shared_ptr<const RouteNames>> DataPlane::names_of(const model::Gateway& gateway) {
  std::vector<std::shared_ptr<const RouteNames>> out(gateway.destinations);
  for (const model::Rule& rule : gateway.rules) {
    const model::Listener& listener = gateway.listeners[rule.listener];
    const auto add = [&](const model::Destination& to) {
      RouteNames names{gateway.resource_id, listener.name, rule.name, {}, {}, listener.keepers, {}};
      if (to.group) {
        names.pool = gateway.groups[*to.group].pool;
        names.settings = gateway.groups[*to.group].settings_name;
      }
      names.counters = counters_of(names);
      out[to.id] = std::make_shared<const RouteNames>(std::move(names));
    };
    add(rule.otherwise);
    for (const model::PathRule& path_rule : rule.path_rules) add(path_rule.to);
  }
  return out;
}

std::shared_ptr<const telemetry::RouteCounters> DataPlane::counters_of(const RouteNames& names) {
  telemetry::RouteKey key{names.listener, names.rule, names.pool, names.settings};
  if (route_counters_.size() >= routes_counted_max && !route_counters_.contains(key)) key = {};
  auto& counters = route_counters_[key];
  if (!counters) counters = std::make_shared<const telemetry::RouteCounters>(key, threads_.size());
  return counters;
}

std::vector<std::shared_ptr<const telemetry::RouteCounters>> DataPlane::route_counters() const {
  std::vector<std::shared_ptr<const telemetry::RouteCounters>> out;
  for (const auto& [key, counters] : route_counters_) out.push_back(counters);
  return out;
}

std::vector<const telemetry::TunnelFrames*> DataPlane::tunnel_frames() const {
  std::vector<const telemetry::TunnelFrames*> out;
  for (const auto& thread : threads_) out.push_back(&thread->worker().tunnel_frames);
  return out;
}

Problems DataPlane::prepare(std::shared_ptr<const model::Gateway> gateway) {
  Problems problems;
  auto prepared = std::make_unique<Prepared>();
  prepared->snapshot = std::make_shared<Snapshot>();
  Snapshot& next = *prepared->snapshot;
  next.contexts = tls_.servers(*gateway, problems);
  next.client_contexts = tls_.clients(*gateway, problems);
  next.authentications = TlsContexts::authentications(*gateway);
  next.names = names_of(*gateway);
  next.unrouted.resource_id = gateway->resource_id;
  next.gateway = std::move(gateway);
  prepared->sockets = listening_.open(*next.gateway, next, problems);
  if (has_errors(problems))
    listening_.close(prepared->sockets);
  else
    prepared_ = std::move(prepared);
  return problems;
}

void DataPlane::commit() {
  const auto prepared = std::move(prepared_);
  directory_.set_gateway(*prepared->snapshot->gateway);
  prepared->snapshot->groups = directory_.groups(*prepared->snapshot->gateway);
  ++version_;
  publish(prepared->snapshot, true);
  listening_.commit(std::move(prepared->sockets), *snapshot_);
  update_probes();
}

void DataPlane::abandon() {
  if (const auto prepared = std::move(prepared_)) listening_.close(prepared->sockets);
}

void DataPlane::publish(std::shared_ptr<const Snapshot> snapshot, bool configured) {
  const auto before = std::exchange(snapshot_, std::move(snapshot));
  if (before) note_leaving(*before, configured);
  // Who was drained in another process, or before it went and came back, goes on with it here.
  for (const board::Group& group : snapshot_->groups) {
    for (const auto& member : group.members) {
      if (!member->works() && member->drains == 0) go_on_draining(member);
    }
  }
  for (auto& thread : threads_) thread->call([&](Worker& worker) { worker.set_snapshot(snapshot_); });
}

void DataPlane::refresh(std::shared_ptr<const model::Gateway> gateway) {
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->gateway = std::move(gateway);
  publish(std::move(next));
}

void DataPlane::publish_members() {
  if (!snapshot_ || retired_) return;
  auto next = std::make_shared<Snapshot>(*snapshot_);
  next->groups = directory_.groups(*next->gateway);
  publish(std::move(next));
  update_probes();
}

std::vector<ProbeTarget> DataPlane::probe_targets(std::size_t index) const {
  std::vector<ProbeTarget> out;
  const model::BackendGroup& group = snapshot_->gateway->groups[index];
  std::set<std::string_view> elsewhere;
  for (const model::Target& target : group.targets) {
    if (target.replaces_probe_port) elsewhere.insert(target.name);
  }
  for (const auto& member : snapshot_->groups[index].members) {
    ProbeTarget& target = out.emplace_back(ProbeTarget{member, group.settings.probe, group.pool,
                                                       snapshot_->client_contexts[index],
                                                       group.settings.verification.server_name});
    if (elsewhere.contains(member->name)) target.probe.port = 0;
  }
  return out;
}

void DataPlane::update_probes() {
  std::vector<ProbeTarget> targets;
  for (std::size_t i = 0; i < snapshot_->groups.size(); ++i) {
    for (ProbeTarget& target : probe_targets(i)) targets.push_back(std::move(target));
  }
  prober_.set_targets(targets);
}

io::Task<std::vector<DataPlane::Probed>> DataPlane::probe_now(model::Index group, model::Probe probe) {
  auto targets = probe_targets(group);
  const auto context = tls_.client_on_demand(*snapshot_->gateway, group);
  std::vector<Probed> out;
  for (const ProbeTarget& target : targets) out.push_back({target.member, {}});
  const auto ask = [](Prober& prober, ProbeTarget target, board::ProbeReport& report) -> io::Task<> {
    report = co_await prober.probe_now(std::move(target));
  };
  io::TaskGroup probes(control_, &on_demand_);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::uint16_t port = targets[i].probe.port;
    targets[i].probe = probe;
    targets[i].probe.port = port;
    targets[i].context = context;
    targets[i].server_name.clear();
    probes.spawn(ask(prober_, std::move(targets[i]), out[i].report));
  }
  co_await probes.join();
  co_return out;
}

io::Task<> DataPlane::rotate_ticket_keys() {
  constexpr std::chrono::hours interval{1};
  while (co_await control_.sleep(control_.in(interval, tasks_.stop_source()))) tls_.rotate_ticket_keys();
}

io::Task<bool> DataPlane::drain(io::Wait wait, TunnelEnd why, const Farewell& farewell) {
  constexpr std::chrono::milliseconds look_again{20};
  // The last ones have time to answer, even where none was given.
  const Duration for_answers = threads_.front()->worker().limits.close_answer_timeout;
  const TimePoint began = control_.now();
  const TimePoint last_leave = std::max(began, wait.deadline - for_answers);
  const Duration span = last_leave - began;
  visit_workers([](Worker& worker) { worker.drain(); });
  listening_.forget();
  TunnelDrain tunnels(threads_, nullptr, why, farewell);
  TimePoint next_step = began;
  for (;;) {
    const TimePoint now = control_.now();
    if (now >= next_step) {
      tunnels.step(now < last_leave ? std::chrono::duration<double>(last_leave - now) / span : 0);
      next_step = std::min(now + TunnelDrain::interval(span), std::max(now + look_again, last_leave));
    }
    bool busy = false, parting = false;
    visit_workers([&](Worker& worker) {
      busy = busy || worker.busy() > 0;
      parting = parting || !worker.tunnels.empty();
    });
    if (!busy) co_return true;
    const bool over = now >= wait.deadline && (!parting || now >= last_leave + for_answers);
    if (over || (wait.stop != nullptr && wait.stop->requested())) co_return false;
    (void)co_await control_.sleep({now + look_again, wait.stop});
  }
}

std::string DataPlane::save_knowledge() {
  BinaryWriter out;
  out.text(tls_.ticket_keys().save());
  directory_.save(out);
  directory_.save_drained(out);
  return out.take();
}

void DataPlane::inherit(std::vector<InheritedSocket> sockets, BytesView knowledge) {
  listening_.inherit(std::move(sockets));
  if (knowledge.empty()) return;
  BinaryReader in(knowledge);
  tls_.ticket_keys().restore(in.text());
  directory_.restore(in);
  directory_.restore_drained(in);
}

std::vector<Tunnel::Frozen> DataPlane::freeze_tunnels() {
  std::vector<Tunnel::Frozen> out;
  visit_workers([&](Worker& worker) {
    auto some = worker.freeze_tunnels();
    std::ranges::move(some, std::back_inserter(out));
  });
  return out;
}

void DataPlane::thaw_tunnels() {
  visit_workers([](Worker& worker) { worker.thaw_tunnels(); });
}

std::size_t DataPlane::let_go_of_frozen_tunnels() {
  std::size_t staying = 0;
  visit_workers([&](Worker& worker) { staying += worker.let_go_of_frozen_tunnels(); });
  return staying;
}

void DataPlane::expect_shared_descriptors() {
  visit_workers([](Worker& worker) { worker.engine.expect_shared_descriptors(); });
}

void DataPlane::retire() {
  retired_ = true;
  visit_workers([](Worker& worker) { worker.drain(true); });
  listening_.forget();
  prober_.set_targets({});
}

bool DataPlane::busy() {
  bool out = false;
  visit_workers([&](Worker& worker) { out = out || worker.busy() > 0; });
  return out;
}

std::shared_ptr<board::Member> DataPlane::member_of(const MovedTunnel::Member& moved) {
  const auto endpoint = Endpoint::parse(moved.endpoint).value_or(Endpoint{});
  return directory_.member(moved.name, endpoint, moved.tls, moved.settings);
}

TunnelTag DataPlane::tag_of(const MovedTunnel& moved, std::shared_ptr<board::Member> member) {
  auto& kept = moved_names_[moved.route];
  auto names = kept.lock();
  if (!names) {
    const auto& route = moved.route;
    RouteNames made{route.resource_id, route.listener, route.rule, route.pool,
                    route.settings,    route.keepers,  nullptr};
    made.counters = counters_of(made);
    names = std::make_shared<const RouteNames>(std::move(made));
    kept = names;
  }
  return {std::move(names),         board::Seat(std::move(member), false),
          moved.trace_id,           moved.client_ip,
          moved.client_port,        moved.idle_seconds_max,
          moved.only_backend_counts};
}

void DataPlane::adopt(std::vector<Arrival> arrivals) {
  std::vector<std::vector<std::pair<Arrival, TunnelTag>>> by_worker(threads_.size());
  std::map<MovedTunnel::Member, std::shared_ptr<board::Member>> members;
  for (Arrival& arrival : arrivals) {
    auto& member = members[arrival.state.member];
    if (!member) member = member_of(arrival.state.member);
    auto tag = tag_of(arrival.state, member);
    by_worker[next_worker_++ % threads_.size()].emplace_back(std::move(arrival), std::move(tag));
  }
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    threads_[i]->call([&](Worker& worker) {
      for (auto& [arrival, tag] : by_worker[i]) {
        auto client = worker.engine.adopt_stream(arrival.client.release());
        auto backend = worker.engine.adopt_stream(arrival.backend.release());
        if (client && backend)
          worker.adopt({std::move(*client), std::move(*backend), std::move(tag), std::move(arrival.state)});
        else
          worker.tell_failure("a tunnel that was handed over cannot go on: the system has no room for it");
      }
    });
  }
  // Whoever turned down, or left, before had its drain time there; here it begins anew.
  for (const auto& [key, member] : members) {
    if (member->health.load() == model::Health::down) on_health(member, model::Health::down);
    // Its tunnels are here only now.
    if (!member->works()) go_on_draining(member);
    if (is_here(*member)) continue;
    for (const model::BackendGroup& group : snapshot_->gateway->groups) {
      if (group.settings_name != member->settings_name || !group.settings.drain_timeout) continue;
      tasks_.spawn(end_left_member(member, *group.settings.drain_timeout, true));
      break;
    }
  }
}

std::vector<Endpoint> DataPlane::accept() {
  visit_workers([](Worker& worker) { worker.accept(); });
  directory_.forget_restored();
  return listening_.drop_inherited();
}

io::Task<> DataPlane::stop() {
  tasks_.stop();
  co_await tasks_.join();
  co_await prober_.stop();
  co_await directory_.stop();
  io::StopSource all_done;
  std::size_t left = threads_.size();
  for (auto& thread : threads_) {
    thread->finish([this, &left, &all_done] {
      control_.post([&left, &all_done] {
        if (--left == 0) all_done.request_stop();
      });
    });
  }
  if (left > 0) (void)co_await control_.sleep({never, &all_done});
  for (auto& thread : threads_) thread->call([](Worker& worker) { worker.set_snapshot(nullptr); });
}

std::vector<DataPlane::OpenListener> DataPlane::open_listeners() const {
  std::vector<OpenListener> out;
  for (model::Index i = 0; i < snapshot_->gateway->listeners.size(); ++i) {
    const auto& listener = snapshot_->gateway->listeners[i];
    OpenListener& open = out.emplace_back(
        OpenListener{listener.name, {}, snapshot_->gateway->frontends[listener.frontend].tls});
    for (const Listening::Socket& socket : listening_.sockets()) {
      if (snapshot_->frontend_of[socket.id] == listener.frontend) open.addresses.push_back(socket.bound);
    }
  }
  return out;
}

std::vector<const telemetry::Counters*> DataPlane::counters() const {
  std::vector<const telemetry::Counters*> out;
  for (const auto& thread : threads_) out.push_back(&thread->worker().counters);
  return out;
}

void DataPlane::visit_workers(const std::function<void(Worker&)>& look) {
  for (auto& thread : threads_) thread->call([&](Worker& worker) { look(worker); });
}

}  // namespace passerelle::proxy
