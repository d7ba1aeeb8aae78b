#include "proxy/request.h"

#include <fmt/format.h>

#include <algorithm>

#include "proxy/error_page.h"
#include "proxy/worker.h"

namespace passerelle::proxy {
namespace {

// The frontend a connection came in by, wherever it listens now; nothing if it is gone, or if it is no longer
// what the connection speaks: clear text must not reach a listener that asks for TLS.
std::optional<model::Index> frontend_of(const Snapshot& snapshot, const ConnectionFacts& facts) {
  const auto& frontends = snapshot.gateway->frontends;
  const auto is_it = [&](const model::Frontend& frontend) {
    return frontend.name == facts.frontend && frontend.tls == facts.tls;
  };
  const auto at = proxy::frontend_of(snapshot, facts.socket);
  if (at && is_it(frontends[*at])) return at;
  const auto found = std::ranges::find_if(frontends, is_it);
  return found == frontends.end() ? std::nullopt
                                  : std::optional(static_cast<model::Index>(found - frontends.begin()));
}

}  // namespace

std::optional<model::Index> frontend_of(const Snapshot& snapshot, SocketId socket) {
  return socket < snapshot.frontend_of.size() ? snapshot.frontend_of[socket] : std::nullopt;
}

io::Task<Result<>> answer_alone(Worker& worker, http::Channel& channel, int status, bool with_body) {
  const auto custom = find_custom_page(worker.snapshot()->gateway->error_pages, status);
  const ErrorPage page{status, worker.date()};
  auto own = worker.http_workspace.buffers.take();
  if (!custom || custom->empty()) append_error_body(own->bytes, page);
  const std::string& body = custom && !custom->empty() ? *custom : own->bytes;
  auto head = worker.http_workspace.heads.take();
  make_error_head(*head, page, body.size());
  channel.begin_answer(*head, http1::Framing::Kind::length);
  co_return co_await channel.finish(with_body ? std::string_view(body) : std::string_view(), nullptr,
                                    worker.engine.in(worker.limits.linger_timeout, worker.stop()));
}

io::Task<ExchangeOutcome> serve_request(Worker& worker, ClientSide& client, const MessageHead& head,
                                        const http::HeadOutcome& outcome) {
  const std::shared_ptr<const Snapshot> snapshot = worker.snapshot();
  const auto frontend = frontend_of(*snapshot, client.facts);
  if (!frontend) {
    worker.tell_failure(fmt::format("503 to {}: a reload took the frontend {} its connection came in by",
                                    client.facts.peer_ip, client.facts.frontend));
    const auto sent = co_await answer_alone(worker, client.channel, 503, head.method() != "HEAD");
    co_return sent ? AfterExchange::close : AfterExchange::gone;
  }
  Exchange exchange(worker, client, *snapshot, *frontend, head);
  if (outcome.kind != http::HeadOutcome::Kind::complete) {
    co_await exchange.refuse_head(outcome);
    co_return AfterExchange::close;
  }
  co_return co_await exchange.run();
}

}  // namespace passerelle::proxy
