#include "proxy/tunnel.h"

#include "base/text.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

std::string_view to_string(TunnelEnd end) {
  switch (end) {
    case TunnelEnd::none: return "open";
    case TunnelEnd::client_closed: return "client closed";
    case TunnelEnd::backend_closed: return "backend closed";
    case TunnelEnd::client_ended: return "client ended without a close frame";
    case TunnelEnd::backend_ended: return "backend ended without a close frame";
    case TunnelEnd::client_reset: return "client reset";
    case TunnelEnd::backend_reset: return "backend reset";
    case TunnelEnd::dead_peer: return "dead peer";
    case TunnelEnd::idle: return "idle timeout";
    case TunnelEnd::half_closed: return "half closed";
    case TunnelEnd::unhealthy: return "member unhealthy";
    case TunnelEnd::shutdown: return "gateway shutdown";
    case TunnelEnd::failed: return "failure";
  }
  return "failure";
}

// Hears of a reset while nobody receives from that side, because the other side is slow.
class Tunnel::Watcher final : public io::StreamWatcher {
 public:
  Watcher(Tunnel& tunnel, TunnelEnd end) : tunnel_(tunnel), end_(end) {}
  void on_peer_finished() override {}
  void on_reset() override { tunnel_.end(end_); }

 private:
  Tunnel& tunnel_;
  TunnelEnd end_;
};

Tunnel::Tunnel(Worker& worker, TunnelPlan plan)
    : worker_(worker),
      client_(std::move(plan.client)),
      backend_(std::move(plan.backend)),
      tag_(std::move(plan.tag)),
      group_(worker.engine, &worker.stop()),
      timer_(worker.engine, group_.stop_source()),
      opened_(worker.engine.now()) {
  worker_.tunnels.push_back(*this);
  worker_.counters.tunnels_opened.add();
  worker_.counters.tunnels_open.add();
  tag_.seat.member()->tunnels.fetch_add(1, std::memory_order_relaxed);
  early_from_client_ = std::move(plan.early_from_client);
  early_from_backend_ = std::move(plan.early_from_backend);
}

Tunnel::~Tunnel() {
  worker_.counters.tunnels_open.subtract();
  tag_.seat.member()->tunnels.fetch_sub(1, std::memory_order_relaxed);
}

io::Task<> Tunnel::run() {
  Watcher client_watcher(*this, TunnelEnd::client_reset);
  Watcher backend_watcher(*this, TunnelEnd::backend_reset);
  client_->watch(&client_watcher);
  backend_->watch(&backend_watcher);
  if (tag_.idle_seconds_max > 0) timer_.start(std::chrono::seconds(tag_.idle_seconds_max));
  group_.spawn(pump(Side::client));
  group_.spawn(pump(Side::backend));
  co_await group_.join();
  timer_.cancel();
  if (end_ == TunnelEnd::none)
    end_ = timer_.ran_out() ? (sides_ended_ > 0 ? TunnelEnd::half_closed : TunnelEnd::idle)
                            : TunnelEnd::shutdown;
  client_->watch(nullptr);
  backend_->watch(nullptr);
  // A reset carries over: each side learns that the other did not end in order.
  if (end_ == TunnelEnd::client_reset || end_ == TunnelEnd::backend_reset || end_ == TunnelEnd::dead_peer) {
    client_->reset_on_close();
    backend_->reset_on_close();
  }
  log_close();
}

// Until this side ends: what it sends goes to the other. Both awaits are leaves: a message allocates nothing.
io::Task<> Tunnel::pump(Side side) {
  io::Stream& from = side == Side::client ? *client_ : *backend_;
  io::Stream& to = side == Side::client ? *backend_ : *client_;
  const io::Wait wait{never, &group_.stop_source()};
  std::string& early = side == Side::client ? early_from_client_ : early_from_backend_;
  if (!early.empty()) {
    note(side, early);
    const auto sent = co_await to.send(early, wait);
    early = std::string();
    if (!sent) co_return note_deaf(side == Side::client ? Side::backend : Side::client, sent.error());
  }
  for (;;) {
    const auto got = co_await from.receive(wait);
    if (!got && got.error().kind != ErrorKind::closed) co_return note_failure(side, got.error());
    if (!got || got->empty()) break;
    note(side, *got);
    const auto sent = co_await to.send(*got, wait);
    if (!sent) co_return note_deaf(side == Side::client ? Side::backend : Side::client, sent.error());
  }
  note_end(side);
  // Half-close: the other side may have more to say.
  (void)co_await to.finish({}, wait);
}

void Tunnel::note(Side side, BytesView bytes) {
  Direction& direction = side == Side::client ? from_client_ : from_backend_;
  const auto before = direction.frames.messages();
  direction.frames.observe(bytes);
  direction.bytes += bytes.size();
  if (side == Side::client) {
    worker_.counters.tunnel_bytes_from_client.add(bytes.size());
    worker_.counters.tunnel_messages_from_client.add(direction.frames.messages() - before);
  } else {
    worker_.counters.tunnel_bytes_from_backend.add(bytes.size());
    worker_.counters.tunnel_messages_from_backend.add(direction.frames.messages() - before);
  }
  if (side == Side::backend || !tag_.only_backend_counts) timer_.touch();
  if (end_ == TunnelEnd::none && direction.frames.close_seen()) {
    end_ = side == Side::client ? TunnelEnd::client_closed : TunnelEnd::backend_closed;
  }
}

void Tunnel::note_end(Side side) {
  if (end_ == TunnelEnd::none)
    end_ = side == Side::client ? TunnelEnd::client_ended : TunnelEnd::backend_ended;
  if (++sides_ended_ == 1) timer_.start(worker_.limits.half_closed_timeout);
}

// A side that takes no more may still have said something: its own pump reads what the kernel has of it (a
// Close frame, often), meets the end, and stops the tunnel then.
void Tunnel::note_deaf(Side side, const Error& error) {
  if (error.kind != ErrorKind::reset) return note_failure(side, error);
  timer_.start(worker_.limits.half_closed_timeout);
}

void Tunnel::note_failure(Side side, const Error& error) {
  if (error.kind == ErrorKind::stopped) return;
  if (end_ == TunnelEnd::none) {
    if (error.kind == ErrorKind::reset)
      end_ = side == Side::client ? TunnelEnd::client_reset : TunnelEnd::backend_reset;
    else
      end_ = error.kind == ErrorKind::timed_out ? TunnelEnd::dead_peer : TunnelEnd::failed;
  }
  group_.stop();
}

void Tunnel::end(TunnelEnd why) {
  if (end_ == TunnelEnd::none) end_ = why;
  group_.stop();
}

void Tunnel::log_close() {
  if (!worker_.access_log.on()) return;
  const RouteNames& names = *tag_.names;
  std::string trace;
  append_hex(trace, {tag_.trace_id.data(), tag_.trace_id.size()});
  const std::string ip = tag_.client_ip.to_string();
  const double seconds = std::chrono::duration<double>(worker_.engine.now() - opened_).count();
  telemetry::AccessRecord record;
  record.time = worker_.engine.wall();
  record.resource_id = names.resource_id;
  record.listener = names.listener;
  record.rule = names.rule;
  record.pool = names.pool;
  record.settings = names.settings;
  record.client_ip = ip;
  record.client_port = tag_.client_port;
  record.status = 101;
  record.received_bytes = from_client_.bytes;
  record.sent_bytes = from_backend_.bytes;
  record.taken_seconds = seconds;
  record.transaction_id = trace;
  record.server_routed = tag_.seat.member()->address;
  telemetry::TunnelClose close{to_string(end_),
                               {},
                               0,
                               from_client_.frames.messages(),
                               from_backend_.frames.messages(),
                               from_client_.bytes,
                               from_backend_.bytes,
                               seconds};
  if (end_ == TunnelEnd::client_closed) {
    close.close_side = "client";
    close.close_code = from_client_.frames.close_code();
  } else if (end_ == TunnelEnd::backend_closed) {
    close.close_side = "backend";
    close.close_code = from_backend_.frames.close_code();
  } else if (end_ == TunnelEnd::client_ended || end_ == TunnelEnd::client_reset) {
    close.close_side = "client";
  } else if (end_ == TunnelEnd::backend_ended || end_ == TunnelEnd::backend_reset) {
    close.close_side = "backend";
  }
  worker_.access_log.tunnel_closed(record, trace, close);
}

io::Task<> run_tunnel(std::unique_ptr<Tunnel> tunnel) { co_await tunnel->run(); }

}  // namespace passerelle::proxy
