#include "proxy/http2_requests.h"

#include <array>

#include "base/digest.h"
#include "http/http2_channel.h"
#include "http/http2_connection.h"
#include "proxy/request.h"
#include "proxy/worker.h"

namespace passerelle::proxy {
namespace {

// RFC 8441 section 5.1: over HTTP/2 there is no key; the member speaks HTTP/1.1 and wants one.
void add_websocket_key(MessageHead& head, Random& random) {
  std::array<char, 16> key{};
  random.fill({key.data(), key.size()});
  head.add(FieldId::sec_websocket_key, "Sec-WebSocket-Key", to_base64({key.data(), key.size()}));
}

bool is_full(const Worker& worker) {
  const auto& counters = worker.counters;
  return counters.connections_open.value() + counters.tunnels_open.value() >= worker.limits.connections_max;
}

// The request, and what is left of it when it has become a tunnel.
io::Task<std::optional<TunnelPlan>> serve_request_of(Worker& worker, const ConnectionFacts& facts,
                                                     std::unique_ptr<http::Http2Stream> stream) {
  http::Http2Channel channel(*stream, worker.limits, worker.http_workspace);
  ClientSide client{channel, facts};
  MessageHead& head = stream->head();
  http::HeadOutcome outcome{http::HeadOutcome::Kind::complete, {}, {}};
  if (stream->refusal())
    outcome = {http::HeadOutcome::Kind::refused, *stream->refusal(), {}};
  else if (stream->websocket())
    add_websocket_key(head, worker.engine.random());
  if (stream->websocket() && is_full(worker)) {
    worker.tell_failure("connections_max is reached: a WebSocket is refused");
    (void)co_await answer_alone(worker, channel, 503);
    co_return std::nullopt;
  }
  auto after = co_await serve_request(worker, client, head, outcome);
  auto* upgraded = std::get_if<Upgraded>(&after);
  if (upgraded == nullptr) co_return std::nullopt;
  stream->become_tunnel();
  co_return TunnelPlan{std::move(stream),
                       std::move(upgraded->backend),
                       {},
                       std::move(upgraded->early),
                       std::move(upgraded->tag)};
}

io::Task<> serve_stream(Worker& worker, const ConnectionFacts& facts,
                        std::unique_ptr<http::Http2Stream> stream) {
  auto plan = co_await serve_request_of(worker, facts, std::move(stream));
  if (!plan) co_return;
  auto tunnel = std::make_unique<Tunnel>(worker, std::move(*plan));
  plan.reset();
  co_await Tunnel::run(std::move(tunnel));
}

}  // namespace

io::Task<> serve_http2(Worker& worker, io::Stream& stream, const ConnectionFacts& facts) {
  io::TaskGroup streams(worker.engine, &worker.stop());
  http::Http2Connection connection(stream, worker.limits, worker.http_workspace,
                                   [&](std::unique_ptr<http::Http2Stream> begun) {
                                     streams.spawn(serve_stream(worker, facts, std::move(begun)));
                                   });
  co_await connection.run(worker.draining(), worker.stop());
  co_await streams.join();
  if (!connection.lost()) co_await close_gently(worker, stream);
}

}  // namespace passerelle::proxy
