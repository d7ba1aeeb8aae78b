#include "proxy/attempt.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/affinity/affinity.h"
#include "policy/decision/forward.h"
#include "protocol/http1/head_writer.h"
#include "protocol/websocket/handshake.h"
#include "proxy/worker.h"

namespace passerelle::proxy {
namespace {

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

}  // namespace

Attempt::Attempt(Exchange& exchange, ChosenMember chosen)
    : x_(exchange),
      worker_(exchange.worker_),
      member_(chosen.member),
      seat_(std::move(chosen.seat)),
      affinity_(chosen.affinity),
      group_(worker_.engine, &worker_.stop()),
      timer_(worker_.engine, group_.stop_source()),
      answer_(worker_.http_workspace.heads.take()),
      tls_(tls_of(exchange, *member_)),
      began_(worker_.engine.now()) {
  member_->requests.fetch_add(1, std::memory_order_relaxed);
  worker_.attempts.push_back(*this);
}

MemberTls Attempt::tls_of(const Exchange& exchange, const board::Member& member) {
  const std::string_view host = policy::address_to(*exchange.decision_, member.name);
  if (!member.tls) return {};
  const std::string& written = exchange.group().settings.verification.server_name;
  return {exchange.client_context_, written.empty() ? policy::server_name(host) : written};
}

Attempt::~Attempt() {
  member_->requests.fetch_sub(1, std::memory_order_relaxed);
  // The seat is the tunnel's now, or it came to none.
  if (x_.websocket() && seat_.member()) member_->tunnels_since_return.fetch_sub(1, std::memory_order_relaxed);
}

// A client that ended its side may still wait for an answer, but not for a WebSocket: that needs both sides.
void Attempt::on_peer_finished() {
  if (x_.websocket()) on_reset();
}

void Attempt::on_reset() {
  client_gone_ = true;
  group_.stop();
}

void Attempt::drained() {
  drained_ = true;
  group_.stop();
}

io::Task<AttemptOutcome> Attempt::run() {
  x_.client_.channel.watch(this);
  AttemptOutcome outcome = co_await converse();
  x_.client_.channel.watch(nullptr);
  timer_.cancel();
  // A body still being sent is of no more use to anyone.
  group_.stop();
  co_await group_.join();
  co_return outcome;
}

io::Task<AttemptOutcome> Attempt::converse() {
  // A request whose kept connection turned out to be dead gets a fresh one.
  if (!x_.stale_retried_) upstream_ = take_kept();
  if (upstream_) {
    worker_.counters.upstream_reuses.add();
  } else if (const auto connected = co_await connect(); !connected) {
    if (client_gone_ || worker_.stop().requested()) co_return AttemptFailure{499, false};
    worker_.counters.upstream_failures.add();
    // Nothing of the request has left us: any other member may have it, whatever the method.
    co_return fail_with(
        502, true,
        fmt::format("cannot connect: {} {}", to_string(connected.error().kind), connected.error().what));
  }
  timer_.start(x_.group().settings.request_timeout);
  http::BodyWriter writer = begin_request();
  // What of the body is here already leaves with the head; for the rest the head does not wait.
  if (body_sent_ || (!x_.spool_ && !x_.client_.channel.has_unread())) {
    if (const auto sent = co_await writer.write({}, wait()); !sent)
      co_return head_failed({http::HeadOutcome::Kind::failed, {}, sent.error()});
  }
  if (!body_sent_) group_.spawn(send_body(std::move(writer)));
  const auto outcome = co_await read_answer();
  if (x_.slot_) x_.slot_->release();
  if (outcome.kind != http::HeadOutcome::Kind::complete) co_return head_failed(outcome);
  if (answer_->status == 101) co_return co_await switch_protocols();
  // RFC 8441 section 5: over HTTP/2 any 2xx says that the WebSocket is open.
  if (x_.websocket() && x_.request_.major_version == 2 && answer_->status < 300)
    co_return fail_with(502, false, "a 2xx to a WebSocket handshake");
  co_return co_await relay();
}

io::Task<Result<>> Attempt::connect() {
  worker_.counters.upstream_connects.add();
  auto stream =
      co_await connect_member(worker_.engine, *member_, tls_, worker_.tls_workspace,
                              worker_.engine.in(worker_.limits.connect_timeout, group_.stop_source()));
  if (!stream) co_return std::unexpected(stream.error());
  if (telemetry::RouteRequests* route = x_.route_requests()) {
    route->connects.add();
    route->connect_microseconds.add(microseconds(worker_.engine.now() - began_));
  }
  upstream_ = std::make_unique<UpstreamConnection>(std::move(*stream), member_, tls_, worker_.limits,
                                                   worker_.http_workspace);
  co_return Result<>();
}

std::unique_ptr<UpstreamConnection> Attempt::take_kept() {
  if (!x_.group().settings.dedicated_connection) {
    // A handshake always gets a fresh connection.
    return x_.websocket() ? nullptr : worker_.upstreams.take(*member_, tls_, x_.can_send_again());
  }
  auto& own = x_.client_.dedicated;
  const auto found = std::ranges::find_if(
      own, [&](const auto& each) { return each->member == member_ && each->is_as(tls_); });
  if (found == own.end()) return nullptr;
  auto connection = std::move(*found);
  own.erase(found);
  if (!connection->stream->quiet()) return nullptr;
  connection->reused = true;
  return connection;
}

http::BodyWriter Attempt::begin_request() {
  const http1::Framing& framing = x_.decision_->asked.framing;
  auto head = worker_.http_workspace.buffers.take();
  http1::append_request_head(head->bytes, x_.decision_->request);
  http::BodyWriter writer(*upstream_->stream, worker_.http_workspace, framing.kind);
  writer.set_head(std::move(head));
  body_sent_ = !framing.has_body();
  return writer;
}

io::Task<> Attempt::send_body(http::BodyWriter writer) {
  auto& source = x_.client_.channel;
  if (x_.spool_) x_.spool_->rewind();
  // Before its first byte a client may be waiting for the member's 100: then it is the member's time that
  // passes.
  bool member_waits = x_.request_.count(FieldId::expect) == 0;
  for (;;) {
    if (member_waits) timer_.pause();
    Result<BytesView> piece;
    if (x_.spool_)
      piece = x_.spool_->read();
    else
      piece = co_await source.read_body(worker_.engine.in(worker_.limits.body_timeout, group_.stop_source()));
    if (member_waits) timer_.resume();
    member_waits = true;
    if (!piece) {
      if (piece.error().kind == ErrorKind::stopped) co_return;
      client_gone_ = piece.error().kind == ErrorKind::reset || piece.error().kind == ErrorKind::closed;
      body_refusal_ = x_.spool_                                    ? 503
                      : piece.error().kind == ErrorKind::timed_out ? 408
                      : piece.error().kind == ErrorKind::too_large ? 413
                                                                   : 400;
      // The member must not take what it has for the whole.
      upstream_->stream->reset_on_close();
      group_.stop();
      co_return;
    }
    timer_.touch();
    const bool last = x_.spool_ ? x_.spool_->at_end() : source.body_finished();
    if (last && source.trailers() != nullptr)
      x_.decision_->rewriter.remove_touched(*source.trailers(), false);
    const auto sent = last ? co_await writer.finish(*piece, source.trailers(), wait())
                           : co_await writer.write(*piece, wait());
    // A member that will not take the rest may have answered already: that is for the reader to find out.
    if (!sent) co_return;
    timer_.touch();
    if (last) break;
  }
  body_sent_ = true;
}

io::Task<http::HeadOutcome> Attempt::read_answer() {
  for (std::size_t interim = 0;; ++interim) {
    const auto outcome = co_await upstream_->source.read_head(*answer_, wait());
    if (outcome.kind != http::HeadOutcome::Kind::complete) co_return outcome;
    timer_.touch();
    if (const auto sound = http1::check_connection_options(*answer_); !sound)
      co_return http::HeadOutcome{http::HeadOutcome::Kind::refused, {502, sound.error().what}, {}};
    if (answer_->status >= 200 || answer_->status == 101) co_return outcome;
    if (interim >= worker_.limits.interim_responses_max) {
      co_return http::HeadOutcome{
          http::HeadOutcome::Kind::refused, {502, "more interim responses than interim_responses_max"}, {}};
    }
    if (x_.request_.minor_version == 0) continue;  // RFC 9110 section 15.2: not to an HTTP/1.0 client
    // What rewrites take out of the response must not leave ahead of it.
    if (answer_->status != 100 && x_.decision_->rewriter.touches_response()) continue;
    auto response = worker_.http_workspace.heads.take();
    policy::make_interim(*response, *answer_);
    x_.response_begun_ = true;
    if (!co_await x_.client_.channel.send_head(*response, client_wait())) {
      client_gone_ = true;
      co_return http::HeadOutcome{
          http::HeadOutcome::Kind::failed, {}, Error{ErrorKind::reset, Side::client, 0, "send"}};
    }
  }
}

io::Wait Attempt::client_wait() {
  return worker_.engine.in(worker_.limits.send_timeout, group_.stop_source());
}

AttemptFailure Attempt::fail_with(int status, bool try_again, std::string_view why) {
  x_.note_try(*member_, 0, worker_.engine.now() - began_);
  x_.choice_->note_failed(*member_);
  worker_.tell_failure(fmt::format("member {} of pool '{}' (setting '{}'): {}", member_->address,
                                   x_.group().pool, x_.group().settings_name, why));
  return {status, try_again};
}

// The member has done its part; what was made of its answer cannot be sent.
AttemptFailure Attempt::fail_rewrite() {
  x_.note_try(*member_, answer_->status, worker_.engine.now() - began_);
  worker_.tell_failure(fmt::format("500 on listener '{}', rule '{}': {}", x_.decision_->route.listener->name,
                                   x_.decision_->route.rule->name, x_.decision_->why));
  return {500, false};
}

// Why there is no answer, and what follows from it.
AttemptOutcome Attempt::head_failed(const http::HeadOutcome& outcome) {
  if (client_gone_) return AttemptFailure{499, false};
  if (body_refusal_ != 0) return AttemptFailure{body_refusal_, false};
  if (worker_.stop().requested()) return AttemptFailure{499, false};
  if (drained_) return fail_with(502, false, "it has left or is down, and its drain timeout is over");
  if (timer_.ran_out()) {
    // Azure v2 asks a second member, then answers 504; only for what can be sent again (docs/decisions/0002).
    const bool again = x_.can_send_again() && x_.timeouts_++ == 0;
    return fail_with(504, again,
                     fmt::format("no answer within the requestTimeout of {} s",
                                 x_.group().settings.request_timeout.count()));
  }
  worker_.counters.upstream_failures.add();
  if (outcome.kind == http::HeadOutcome::Kind::refused) return fail_with(502, false, outcome.refusal.what);
  const bool stale =
      upstream_->reused && !upstream_->source.begun() && x_.can_send_again() && !x_.stale_retried_;
  if (stale) {
    x_.stale_retried_ = true;
    return AttemptFailure{502, true};
  }
  return fail_with(502, false,
                   fmt::format("the connection ended before an answer: {}", to_string(outcome.error.kind)));
}

bool Attempt::finish_response(MessageHead& response) {
  // A client that came with this member's cookie has it.
  if (!affinity_.empty() && x_.choice_->asked() != affinity_)
    policy::add_affinity_cookies(response, x_.group().settings.affinity_cookie, affinity_);
  return policy::finish_response(*x_.decision_, response);
}

io::Task<AttemptOutcome> Attempt::switch_protocols() {
  if (!x_.websocket()) co_return fail_with(502, false, "a 101 to a request that asked for no upgrade");
  const auto accept = websocket::accept_for(*x_.request_.find(FieldId::sec_websocket_key));
  if (const auto fits = websocket::check_switch(*answer_, accept); !fits)
    co_return fail_with(502, false, fits.error().what);
  auto response = worker_.http_workspace.heads.take();
  policy::make_switch(*response, *answer_);
  if (!finish_response(*response)) co_return fail_rewrite();
  x_.first_byte_after_ = worker_.engine.now() - x_.began_;
  x_.note_try(*member_, 101, worker_.engine.now() - began_);
  if (!co_await x_.client_.channel.send_head(*response, client_wait())) co_return AttemptFailure{499, false};
  x_.log(101);
  upstream_->stream->watch(nullptr);
  co_return Upgraded{std::move(upstream_->stream), upstream_->source.take_unread(),
                     x_.make_tag(std::move(seat_))};
}

io::Task<AttemptOutcome> Attempt::relay() {
  const auto framing = http1::response_framing(*answer_, x_.request_.method());
  if (!framing) co_return fail_with(502, false, framing.error().what);
  // With the request still coming in there is no telling where the next one would begin.
  if (!x_.client_.channel.body_finished()) x_.keep_alive_ = false;
  const auto kind = policy::client_framing(*framing, x_.request_.minor_version);
  if (kind == http1::Framing::Kind::until_close) x_.keep_alive_ = false;
  auto response = worker_.http_workspace.heads.take();
  policy::make_response(*response, *answer_, *framing,
                        {x_.request_.minor_version, x_.keep_alive_, worker_.date()});
  if (!finish_response(*response)) co_return fail_rewrite();
  x_.client_.channel.begin_answer(*response, kind);
  x_.first_byte_after_ = worker_.engine.now() - x_.began_;
  x_.note_try(*member_, answer_->status, worker_.engine.now() - began_);
  if (worker_.access_log.on()) x_.content_type_ = answer_->find(FieldId::content_type).value_or("");
  x_.response_begun_ = true;
  upstream_->source.begin_body(*framing);
  const bool whole = co_await relay_body(*framing);
  if (!whole && x_.client_.channel.head_pending() && !client_gone_) {
    // The body broke off, or broke the protocol, before any of the answer had left: it can still be said in
    // order.
    x_.response_begun_ = false;
    worker_.counters.upstream_failures.add();
    worker_.tell_failure(
        fmt::format("member {} of pool '{}' (setting '{}'): the answer's body cannot be read",
                    member_->address, x_.group().pool, x_.group().settings_name));
    co_return AttemptFailure{timer_.ran_out() ? 504 : 502, false};
  }
  if (!whole) {
    // Never a clean end for a message that was cut short.
    x_.client_.channel.break_off();
    x_.error_info_ = timer_.ran_out() ? "ERRORINFO_UPSTREAM_TIMED_OUT"
                     : client_gone_   ? "ERRORINFO_CLIENT_CLOSED_REQUEST"
                                      : "ERRORINFO_UPSTREAM_CLOSED_CONNECTION";
    x_.log(answer_->status);
    co_return AfterExchange::gone;
  }
  if (telemetry::RouteRequests* route = x_.route_requests()) {
    route->last_bytes.add();
    route->last_byte_microseconds.add(microseconds(worker_.engine.now() - began_));
  }
  keep_or_close(*framing);
  x_.log(answer_->status);
  co_return x_.keep_alive_ ? AfterExchange::keep_alive : AfterExchange::close;
}

// False: one of the two sides broke off.
io::Task<bool> Attempt::relay_body(const http1::Framing& framing) {
  auto& source = upstream_->source;
  auto& writer = x_.client_.channel;
  if (!framing.has_body()) {
    const auto sent = co_await writer.finish({}, nullptr, client_wait());
    client_gone_ = !sent;
    co_return sent.has_value();
  }
  // What came with the head leaves with the head; a head alone does not wait for its body.
  if (!source.has_unread() && !co_await writer.write({}, client_wait())) {
    client_gone_ = true;
    co_return false;
  }
  for (;;) {
    const auto here = source.body_at_hand();
    const auto piece = here ? *here : co_await source.read_body(wait());
    if (!piece) co_return false;
    const bool last = source.body_finished();
    if (last && source.trailers() != nullptr) x_.decision_->rewriter.remove_touched(*source.trailers(), true);
    timer_.pause();
    const auto sent = last ? co_await writer.finish(*piece, source.trailers(), client_wait())
                           : co_await writer.write(*piece, client_wait());
    timer_.resume();
    if (!sent) {
      client_gone_ = true;
      co_return false;
    }
    if (last) co_return true;
  }
}

void Attempt::keep_or_close(const http1::Framing& framing) {
  const bool clean = body_sent_ && !upstream_->source.has_unread() &&
                     framing.kind != http1::Framing::Kind::until_close && http1::is_persistent(*answer_);
  if (!clean) return;
  if (!x_.group().settings.dedicated_connection) return worker_.upstreams.put(std::move(upstream_));
  auto& own = x_.client_.dedicated;
  if (own.size() == ClientSide::dedicated_max) own.erase(own.begin());
  upstream_->source.rest();
  own.push_back(std::move(upstream_));
}

}  // namespace passerelle::proxy
