#include "proxy/connection.h"

#include "http/http1_channel.h"
#include "proxy/http2_requests.h"
#include "proxy/request.h"
#include "proxy/worker.h"

namespace passerelle::proxy {
namespace {

class OpenCount {
 public:
  explicit OpenCount(telemetry::Counter& counter) : counter_(counter) { counter_.add(); }
  ~OpenCount() { counter_.subtract(); }
  OpenCount(const OpenCount&) = delete;
  OpenCount& operator=(const OpenCount&) = delete;

 private:
  telemetry::Counter& counter_;
};

// The stream to read HTTP from; null when the handshake failed.
io::Task<std::unique_ptr<tls::TlsStream>> secure(Worker& worker, std::unique_ptr<io::Stream> stream,
                                                 const tls::ServerContext& context, ConnectionFacts& facts) {
  auto secured = std::make_unique<tls::TlsStream>(std::move(stream), context, worker.tls_workspace);
  const io::Wait wait = worker.engine.in(worker.limits.tls_handshake_timeout, worker.stop());
  if (worker.tls_gate.waiting() >= worker.limits.tls_steps_waiting_max) {
    worker.counters.connections_refused.add();
    worker.tell_failure("tls_steps_waiting_max is reached: a connection is refused");
    co_return nullptr;
  }
  const auto shaken = co_await secured->handshake(wait, &worker.tls_gate);
  if (!shaken) {
    worker.counters.tls_handshakes_failed.add();
    worker.events.debug("tls", "handshake with {} failed: {} {}", facts.peer_ip,
                        to_string(shaken.error().kind), shaken.error().what);
    if (shaken.error().kind == ErrorKind::protocol) {
      http::Http1Channel channel(secured->lower(), worker.limits, worker.http_workspace);
      if (co_await answer_alone(worker, channel, 400)) co_await close_gently(worker, secured->lower());
    }
    co_return nullptr;
  }
  worker.counters.tls_handshakes.add();
  facts.tls = true;
  facts.tls_facts = secured->facts();
  facts.http2 = secured->speaks_http2();
  if (const auto& demanded = context.demands_on(secured->session())) {
    facts.authentication = demanded->identity();
    auto shown = secured->client_certificate(!demanded->passthrough);
    if (shown.is_verified() && demanded->check_revocation) {
      const auto issued = secured->issued_client();
      const std::string wrong =
          issued ? co_await worker.revocation.judge(*issued, wait) : "its issuer is not known";
      if (!wrong.empty()) shown.verification = "FAILED:" + wrong;
    }
    facts.certificate = std::make_unique<const ClientCertificate>(std::move(shown));
  }
  co_return secured;
}

// Requests, one after the other. The plan of the tunnel the connection becomes, if it does.
io::Task<std::optional<Upgraded>> serve_requests(Worker& worker, http::Http1Channel& channel,
                                                 const ConnectionFacts& facts) {
  ClientSide client{channel, facts};
  for (bool first = true;; first = false) {
    auto head = worker.http_workspace.heads.take();
    const Duration idle =
        first ? Duration(worker.limits.head_timeout) : Duration(worker.limits.keep_alive_timeout);
    auto outcome = co_await channel.source().read_head(*head, worker.engine.in(idle, worker.draining()),
                                                       worker.limits.head_timeout, worker.stop());
    // Accepted while we began to drain: its first request may be on its way already.
    if (first && outcome.kind == http::HeadOutcome::Kind::ended && worker.draining().requested()) {
      outcome = co_await channel.source().read_head(
          *head, worker.engine.in(worker.limits.linger_timeout, worker.stop()), worker.limits.head_timeout,
          worker.stop());
    }
    if (outcome.kind == http::HeadOutcome::Kind::ended) co_return std::nullopt;
    auto after = co_await serve_request(worker, client, *head, outcome);
    if (auto* upgraded = std::get_if<Upgraded>(&after)) co_return std::move(*upgraded);
    if (std::get<AfterExchange>(after) == AfterExchange::gone) co_return std::nullopt;
    if (std::get<AfterExchange>(after) == AfterExchange::close) break;
  }
  co_await close_gently(worker, channel.stream());
  co_return std::nullopt;
}

io::Task<std::optional<TunnelPlan>> serve(Worker& worker, SocketId socket, io::Accepted accepted) {
  ConnectionFacts facts{.peer = accepted.peer,
                        .peer_ip = accepted.peer.is_unix() ? "" : accepted.peer.ip.to_string(),
                        .socket = socket};
  std::unique_ptr<io::Stream> stream = std::move(accepted.stream);
  {
    const std::shared_ptr<const Snapshot> snapshot = worker.snapshot();
    const auto frontend = frontend_of(*snapshot, socket);
    if (!frontend) co_return std::nullopt;
    facts.frontend = snapshot->gateway->frontends[*frontend].name;
    if (const auto context = snapshot->contexts[*frontend]) {
      auto secured = co_await secure(worker, std::move(stream), *context, facts);
      if (secured && snapshot->gateway->rewrites_ask_ciphers)
        facts.ciphers_offered = secured->ciphers_offered();
      stream = std::move(secured);
    }
  }
  if (!stream) co_return std::nullopt;
  if (facts.http2) {
    co_await serve_http2(worker, *stream, facts);
    co_return std::nullopt;
  }
  http::Http1Channel channel(*stream, worker.limits, worker.http_workspace);
  auto upgraded = co_await serve_requests(worker, channel, facts);
  if (!upgraded) co_return std::nullopt;
  co_return TunnelPlan{std::move(stream), std::move(upgraded->backend), channel.source().take_unread(),
                       std::move(upgraded->early), std::move(upgraded->tag)};
}

}  // namespace

io::Task<> close_gently(Worker& worker, io::Stream& stream) {
  const io::Wait wait = worker.engine.in(worker.limits.linger_timeout, worker.stop());
  if (auto sent = co_await stream.finish({}, wait); !sent) co_return;
  std::size_t read = 0;
  while (read < worker.limits.linger_bytes_max) {
    const auto got = co_await stream.receive(wait);
    if (!got || got->empty()) co_return;
    read += got->size();
  }
}

io::Task<> run_connection(Worker& worker, SocketId socket, io::Accepted accepted) {
  const OpenCount open(worker.counters.connections_open);
  auto plan = co_await serve(worker, socket, std::move(accepted));
  // A task of its own: this frame, with all that HTTP needed, is gone before the long idle.
  if (plan) worker.tasks().spawn(Tunnel::run(std::make_unique<Tunnel>(worker, std::move(*plan))));
}

}  // namespace passerelle::proxy
