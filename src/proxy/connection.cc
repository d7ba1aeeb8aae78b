#include "proxy/connection.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/http1_channel.h"
#include "proxy/error_page.h"
#include "proxy/exchange.h"
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

// Ends our side and reads on for a while, so that what the client still sends does not make the kernel reset
// the connection and destroy our last answer (RFC 9112 section 9.6).
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

// An answer without an exchange, and the end of the connection.
io::Task<> answer_alone(Worker& worker, io::Stream& stream, int status, bool with_body = true) {
  std::string page;
  const auto custom = find_custom_page(worker.snapshot()->gateway->error_pages, status);
  append_error_page(page,
                    {status, worker.date(), false, with_body, {}, custom ? std::string_view(*custom) : ""});
  if (co_await stream.send(page, worker.engine.in(worker.limits.linger_timeout, worker.stop()))) {
    co_await close_gently(worker, stream);
  }
}

// The stream to read HTTP from; null when the handshake failed.
io::Task<std::unique_ptr<tls::TlsStream>> secure(Worker& worker, std::unique_ptr<io::Stream> stream,
                                                 const tls::ServerContext& context, ConnectionFacts& facts) {
  auto secured = std::make_unique<tls::TlsStream>(std::move(stream), context, worker.tls_workspace);
  const io::Wait wait = worker.engine.in(worker.limits.tls_handshake_timeout, worker.stop());
  const auto shaken = co_await secured->handshake(wait);
  if (!shaken) {
    worker.counters.tls_handshakes_failed.add();
    worker.events.debug("tls", "handshake with {} failed: {} {}", facts.peer_ip,
                        to_string(shaken.error().kind), shaken.error().what);
    if (shaken.error().kind == ErrorKind::protocol) co_await answer_alone(worker, secured->lower(), 400);
    co_return nullptr;
  }
  worker.counters.tls_handshakes.add();
  facts.tls = true;
  facts.tls_facts = secured->facts();
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

// The frontend this socket belongs to by the newest configuration; nothing if it is gone.
std::optional<model::Index> frontend_of(const Snapshot& snapshot, SocketId socket) {
  return socket < snapshot.frontend_of.size() ? snapshot.frontend_of[socket] : std::nullopt;
}

// The frontend a connection came in by, wherever it listens now; nothing if it is gone, or if it is no longer
// what the connection speaks: clear text must not reach a listener that asks for TLS.
std::optional<model::Index> frontend_of(const Snapshot& snapshot, const ConnectionFacts& facts) {
  const auto& frontends = snapshot.gateway->frontends;
  const auto is_it = [&](const model::Frontend& frontend) {
    return frontend.name == facts.frontend && frontend.tls == facts.tls;
  };
  const auto at = frontend_of(snapshot, facts.socket);
  if (at && is_it(frontends[*at])) return at;
  const auto found = std::ranges::find_if(frontends, is_it);
  return found == frontends.end() ? std::nullopt
                                  : std::optional(static_cast<model::Index>(found - frontends.begin()));
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
    const std::shared_ptr<const Snapshot> snapshot = worker.snapshot();
    const auto frontend = frontend_of(*snapshot, facts);
    if (!frontend) {
      worker.tell_failure(fmt::format("503 to {}: a reload took the frontend {} its connection came in by",
                                      facts.peer_ip, facts.frontend));
      co_await answer_alone(worker, channel.stream(), 503, head->method() != "HEAD");
      co_return std::nullopt;
    }
    Exchange exchange(worker, client, *snapshot, *frontend, *head);
    if (outcome.kind != http::HeadOutcome::Kind::complete) {
      co_await exchange.refuse_head(outcome);
      break;
    }
    auto after = co_await exchange.run();
    if (auto* upgraded = std::get_if<Upgraded>(&after)) co_return std::move(*upgraded);
    if (std::get<AfterExchange>(after) == AfterExchange::gone) co_return std::nullopt;
    if (std::get<AfterExchange>(after) == AfterExchange::close) break;
  }
  co_await close_gently(worker, channel.stream());
  co_return std::nullopt;
}

io::Task<std::optional<TunnelPlan>> serve(Worker& worker, SocketId socket, io::Accepted accepted) {
  ConnectionFacts facts{accepted.peer,
                        accepted.peer.is_unix() ? "" : accepted.peer.ip.to_string(),
                        socket,
                        {},
                        false,
                        {},
                        {},
                        {},
                        {}};
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
  http::Http1Channel channel(*stream, worker.limits, worker.http_workspace);
  auto upgraded = co_await serve_requests(worker, channel, facts);
  if (!upgraded) co_return std::nullopt;
  co_return TunnelPlan{std::move(stream), std::move(upgraded->backend), channel.source().take_unread(),
                       std::move(upgraded->early), std::move(upgraded->tag)};
}

}  // namespace

io::Task<> run_connection(Worker& worker, SocketId socket, io::Accepted accepted) {
  const OpenCount open(worker.counters.connections_open);
  auto plan = co_await serve(worker, socket, std::move(accepted));
  // A task of its own: this frame, with all that HTTP needed, is gone before the long idle.
  if (plan) worker.tasks().spawn(run_tunnel(std::make_unique<Tunnel>(worker, std::move(*plan))));
}

}  // namespace passerelle::proxy
