#include "proxy/worker.h"

#include "proxy/attempt.h"
#include "proxy/connection.h"

namespace passerelle::proxy {

Worker::Worker(io::Engine& engine_value, const WorkerSettings& settings, telemetry::EventLog& events_value)
    : engine(engine_value),
      limits(settings.limits),
      upstreams(engine, limits),
      tls_gate(engine, limits.tls_steps_a_turn),
      upgrades(engine, limits, counters),
      revocation(engine, limits, settings.ask_responder),
      index(settings.index),
      access_log(settings.access_log),
      events(events_value),
      tasks_(engine),
      accepting_(settings.accepting) {}

void Worker::add_listener(SocketId id, std::unique_ptr<io::Listener> listener) {
  auto socket = std::make_shared<Socket>();
  socket->listener = std::move(listener);
  sockets_.emplace(id, socket);
  if (accepting_) tasks_.spawn(accept_loop(id, std::move(socket)));
}

void Worker::accept() {
  if (std::exchange(accepting_, true)) return;
  for (const auto& [id, socket] : sockets_) tasks_.spawn(accept_loop(id, socket));
}

void Worker::remove_listeners(SocketId id) {
  std::vector<std::shared_ptr<Socket>> removed;
  for (auto [each, end] = sockets_.equal_range(id); each != end; ++each) removed.push_back(each->second);
  sockets_.erase(id);
  for (const auto& socket : removed) socket->stop.request_stop();
}

std::vector<int> Worker::listening_descriptors(SocketId id) const {
  std::vector<int> out;
  for (auto [each, end] = sockets_.equal_range(id); each != end; ++each)
    out.push_back(each->second->listener->descriptor());
  return out;
}

io::Task<> Worker::accept_loop(SocketId id, std::shared_ptr<Socket> socket) {
  std::uint64_t refused = 0;
  for (;;) {
    auto accepted = co_await socket->listener->accept({never, &socket->stop});
    if (!accepted && accepted.error().kind == ErrorKind::no_resources) {
      const std::uint64_t before = std::exchange(refused, socket->listener->refused());
      counters.connections_refused.add(refused - before);
      tell_failure(
          "out of file descriptors: connections are refused; raise the limit (ulimit -n, "
          "LimitNOFILE=)");
      continue;
    }
    if (!accepted) break;
    take(id, std::move(*accepted));
  }
  if (listeners_handed_over_) co_return;
  io::AcceptOperation last(*socket->listener, {});
  while (socket->listener->try_accept(last)) {
    if (*last.result) take(id, std::move(**last.result));
  }
}

void Worker::take(SocketId id, io::Accepted accepted) {
  if (counters.connections_open.value() + counters.tunnels_open.value() >= limits.connections_max) {
    counters.connections_refused.add();
    tell_failure("connections_max is reached: a connection is refused");
    return;
  }
  counters.connections_accepted.add();
  tasks_.spawn(run_connection(*this, id, std::move(accepted)));
}

void Worker::drain(bool listeners_handed_over) {
  listeners_handed_over_ = listeners_handed_over_ || listeners_handed_over;
  auto sockets = std::move(sockets_);
  sockets_.clear();
  for (auto& [id, socket] : sockets) socket->stop.request_stop();
  draining_.request_stop();
}

io::Task<> Worker::finish() {
  drain();
  tunnels.for_each([](Tunnel& tunnel) { tunnel.end(TunnelEnd::shutdown); });
  tasks_.stop();
  co_await tasks_.join();
  upstreams.clear();
}

void Worker::leave_tunnels_of(const board::Member& member, TunnelEnd why, const Farewell& farewell) {
  tunnels.for_each([&](Tunnel& tunnel) {
    if (tunnel.tag().seat.member().get() == &member) tunnel.leave(why, farewell);
  });
}

std::size_t Worker::tunnels_staying(const board::Member* member) const {
  std::size_t out = 0;
  tunnels.for_each([&](const Tunnel& tunnel) {
    if (!tunnel.leaving() && (member == nullptr || tunnel.tag().seat.member().get() == member)) ++out;
  });
  return out;
}

void Worker::drain_tunnels(std::size_t may_stay, const board::Member* member, TunnelEnd why,
                           const Farewell& farewell) {
  std::size_t staying = tunnels_staying(member);
  tunnels.for_each([&](Tunnel& tunnel) {
    if (staying <= may_stay || tunnel.leaving()) return;
    if (member != nullptr && tunnel.tag().seat.member().get() != member) return;
    --staying;
    tunnel.leave(why, farewell);
  });
}

void Worker::end_tunnels_of(const std::string& settings, TimePoint before, TunnelEnd why) {
  tunnels.for_each([&](Tunnel& tunnel) {
    if (tunnel.opened() < before && tunnel.tag().names->settings == settings) tunnel.end(why);
  });
}

std::vector<Tunnel::Frozen> Worker::freeze_tunnels() {
  std::vector<Tunnel::Frozen> out;
  tunnels.for_each([&](Tunnel& tunnel) {
    if (auto frozen = tunnel.freeze()) out.push_back(std::move(*frozen));
  });
  return out;
}

void Worker::thaw_tunnels() {
  tunnels.for_each([](Tunnel& tunnel) { tunnel.thaw(); });
}

std::size_t Worker::let_go_of_frozen_tunnels() {
  std::size_t staying = 0;
  tunnels.for_each([&](Tunnel& tunnel) {
    staying += tunnel.frozen() ? 0 : 1;
    tunnel.let_go();
  });
  return staying;
}

void Worker::adopt(AdoptedTunnel tunnel) {
  tasks_.spawn(Tunnel::run(std::make_unique<Tunnel>(*this, std::move(tunnel))));
}

void Worker::end_requests_of(const board::Member& member) {
  attempts.for_each([&](Attempt& attempt) {
    if (&attempt.member() == &member) attempt.drained();
  });
}

void Worker::tell_failure(std::string_view why) {
  if (engine.now() - failures_since_ >= std::chrono::seconds(1)) {
    failures_since_ = engine.now();
    failures_told_ = 0;
  }
  if (failures_told_++ < failures_told_max) events.warning("traffic", "{}", why);
}

}  // namespace passerelle::proxy
