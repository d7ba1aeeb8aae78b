#include "proxy/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "protocol/trace_context.h"
#include "proxy/attempt.h"
#include "proxy/error_page.h"
#include "proxy/worker.h"

namespace passerelle::proxy {
namespace {

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

// RFC 9110 section 9.2.2.
bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" || method == "DELETE";
}

void append_to_list(std::string& list, std::string_view item) {
  if (!list.empty()) list += ", ";
  list += item;
}

// [1] 1xx … [5] 5xx; [0] none.
std::size_t class_of(int status) {
  return status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100) : 0;
}

}  // namespace

Exchange::Exchange(Worker& worker, ClientSide& client, const Snapshot& snapshot, model::Index frontend,
                   const MessageHead& request)
    : worker_(worker),
      client_(client),
      snapshot_(snapshot),
      frontend_index_(frontend),
      frontend_(snapshot.gateway->frontends[frontend]),
      request_(request),
      client_facts_(client_facts()),
      decision_(worker.decisions.take()),
      began_(worker.engine.now()),
      began_wall_(worker.engine.wall()) {
  worker_.engine.random().fill({trace_id_.data(), trace_id_.size()});
  write_hex({trace_id_.data(), trace_id_.size()}, trace_hex_.data());
  received_before_ = request_.text.size();
  sent_before_ = client_.channel.bytes_sent();
}

policy::ClientFacts Exchange::client_facts() const {
  const ConnectionFacts& facts = client_.facts;
  policy::ClientFacts out{facts.peer_ip,          facts.peer.port,       facts.tls, facts.tls_facts.protocol,
                          facts.tls_facts.cipher, facts.ciphers_offered, 0,         facts.authentication,
                          facts.certificate.get()};
  if (snapshot_.gateway->rewrites_ask_round_trip)
    out.round_trip_microseconds = client_.channel.round_trip_microseconds();
  return out;
}

io::Task<ExchangeOutcome> Exchange::run() {
  using Action = policy::Decision::Action;
  worker_.counters.requests.add();
  keep_alive_ = http1::is_persistent(request_) && !worker_.draining().requested();
  policy::Decision& decision = *decision_;
  policy::decide(decision, {*snapshot_.gateway, frontend_index_, request_, worker_.limits, client_facts_,
                            trace_text(), snapshot_.bound_ports, snapshot_.authentications});
  if (decision.action != Action::refuse) client_.channel.begin_body(decision.asked.framing);
  if (decision.action == Action::redirect) {
    const bool keep = keep_alive_ && client_.channel.body_finished();
    co_return co_await answer_page(decision.status, keep, decision.location);
  }
  if (decision.action != Action::forward) co_return co_await refuse(decision);

  if (snapshot_.gateway->options.spool_requests && decision.asked.framing.has_body()) {
    if (const int wrong = co_await spool_body(); wrong != 0) {
      error_info_ = error_info(wrong);
      co_return co_await answer(wrong, false);
    }
  }
  choose_among();
  if (group().settings.dedicated_connection) {
    for (const auto& own : client_.dedicated) {
      if (own->member->settings_name == group().settings_name) choice_->prefer(*own->member);
    }
  }
  int status = 502;
  for (;;) {
    ChosenMember chosen = choice_->next(websocket(), worker_.limits.members_tried_max);
    if (!chosen.member) {
      if (co_await try_members_again()) continue;
      break;
    }
    slot_.reset();
    if (websocket()) {
      slot_.emplace(worker_.upgrades);
      if (!co_await worker_.upgrades.enter(*slot_, chosen.member, worker_.stop())) {
        status = 503;
        worker_.counters.upgrades_refused.add();
        chosen.member->tunnels_since_return.fetch_sub(1, std::memory_order_relaxed);
        break;
      }
      // It was drained by hand meanwhile.
      if (chosen.member->duty.load(std::memory_order_relaxed) == board::Duty::out) continue;
    }
    Attempt attempt(*this, std::move(chosen));
    auto outcome = co_await attempt.run();
    if (auto* upgraded = std::get_if<Upgraded>(&outcome)) co_return std::move(*upgraded);
    if (auto* after = std::get_if<AfterExchange>(&outcome)) co_return *after;
    const auto& failure = std::get<AttemptFailure>(outcome);
    status = failure.status;
    if (!first_failure_) first_failure_ = worker_.engine.now();
    if (!failure.try_again) break;
  }
  if (status == 502 && choice_->failed() == 0) {
    error_info_ = "ERRORINFO_UPSTREAM_NO_LIVE";
    worker_.tell_failure(fmt::format("502 on listener '{}': no member of pool '{}' is healthy (setting '{}')",
                                     decision.route.listener->name, group().pool, group().settings_name));
  } else if (error_info_.empty()) {
    error_info_ = error_info(status);
  }
  // What is left of a request body would be read as the next request.
  co_return co_await answer(status, keep_alive_ && client_.channel.body_finished());
}

// A member that has just ended, and is not known to be down yet, may be back in a moment; without this
// everybody it held would get a 502 and come back at once.
io::Task<bool> Exchange::try_members_again() {
  const bool worth_it = websocket() && first_failure_ && !worker_.draining().requested() &&
                        worker_.engine.now() - *first_failure_ < worker_.limits.upgrade_retry_time;
  slot_.reset();
  if (!worth_it || !co_await worker_.upgrades.pause(worker_.stop())) co_return false;
  choice_->forgive();
  co_return true;
}

// While a body was taken the world may have changed: members that have left since are not asked.
void Exchange::choose_among() {
  const Snapshot* at = &snapshot_;
  model::Index index = *decision_->route.to->group;
  if (spool_ && worker_.snapshot().get() != &snapshot_) {
    newest_ = worker_.snapshot();
    const auto& groups = newest_->gateway->groups;
    const auto same = std::ranges::find_if(groups, [&](const model::BackendGroup& each) {
      return each.pool == group().pool && each.settings_name == group().settings_name &&
             each.is_policy == group().is_policy;
    });
    if (same != groups.end()) {
      at = newest_.get();
      index = static_cast<model::Index>(same - groups.begin());
    }
  }
  client_context_ = at->client_contexts[index];
  choice_.emplace(at->gateway->groups[index], at->groups[index], request_, client_facts_,
                  at->gateway->options.tunnels_to_fewest, worker_.engine.now());
}

io::Task<int> Exchange::spool_body() {
  spool_.emplace(worker_.spool_budget);
  if (request_.count(FieldId::expect) > 0) {
    // The client waits for it, and no member is asked yet (RFC 9110 section 10.1.1).
    decision_->request.remove("Expect");
    if (request_.minor_version == 1 && !client_.channel.has_unread()) {
      auto go_on = worker_.http_workspace.heads.take();
      go_on->set_response(100, "Continue");
      if (!co_await client_.channel.send_head(*go_on,
                                              worker_.engine.in(worker_.limits.send_timeout, worker_.stop())))
        co_return 499;
    }
  }
  while (!client_.channel.body_finished()) {
    const auto piece =
        co_await client_.channel.read_body(worker_.engine.in(worker_.limits.body_timeout, worker_.stop()));
    if (!piece) {
      const ErrorKind kind = piece.error().kind;
      co_return kind == ErrorKind::timed_out ? 408
      : kind == ErrorKind::too_large         ? 413
      : kind == ErrorKind::protocol          ? 400
                                             : 499;
    }
    if (const auto kept = spool_->append(*piece); !kept) {
      worker_.tell_failure(fmt::format("503 to {}: a request body cannot be kept: {}", client_.facts.peer_ip,
                                       kept.error().what));
      co_return 503;
    }
  }
  co_return 0;
}

io::Task<AfterExchange> Exchange::refuse(const policy::Decision& decision) {
  const bool sound = decision.action == policy::Decision::Action::reject;
  if (!sound || decision.status >= 500) error_info_ = error_info(decision.status);
  if (sound && decision.status >= 500)
    worker_.tell_failure(fmt::format("{} on listener '{}', rule '{}': {}", decision.status,
                                     decision.route.listener->name, decision.route.rule->name, decision.why));
  else if (!sound)
    worker_.events.debug("request", "{} from {}: {}", decision.status, client_.facts.peer_ip, decision.why);
  co_return co_await answer(decision.status, sound && keep_alive_ && client_.channel.body_finished());
}

bool Exchange::can_send_again() const {
  return is_idempotent(request_.method()) && client_.channel.body_bytes() == 0 && !response_begun_;
}

const RouteNames& Exchange::names() const {
  const model::Destination* to = decision_->route.to;
  return to != nullptr ? *snapshot_.names[to->id] : snapshot_.unrouted;
}

io::Task<AfterExchange> Exchange::answer(int status, bool keep_alive) {
  return answer_page(status, keep_alive, {});
}

io::Task<AfterExchange> Exchange::answer_page(int status, bool keep_alive, std::string_view location) {
  if (status == 499) {
    log(status);
    co_return AfterExchange::gone;
  }
  const std::shared_ptr<const std::string> custom = custom_page(status);
  const bool with_body = request_.method() != "HEAD";
  const ErrorPage page{.status = status,
                       .date = worker_.date(),
                       .keep_alive = keep_alive,
                       .location = location,
                       .note = decision_->note,
                       .retry_after = status == 503 ? spread_retry() : std::chrono::seconds(0)};
  auto own = worker_.http_workspace.buffers.take();
  if (!custom || custom->empty()) append_error_body(own->bytes, page);
  const std::string& body = custom && !custom->empty() ? *custom : own->bytes;
  auto head = worker_.http_workspace.heads.take();
  make_error_head(*head, page, body.size());
  client_.channel.begin_answer(*head, http1::Framing::Kind::length);
  first_byte_after_ = worker_.engine.now() - began_;
  const auto sent =
      co_await client_.channel.finish(with_body ? std::string_view(body) : std::string_view(), nullptr,
                                      worker_.engine.in(worker_.limits.send_timeout, worker_.stop()));
  log(status);
  if (!sent) co_return AfterExchange::gone;
  co_return keep_alive ? AfterExchange::keep_alive : AfterExchange::close;
}

// Another one for each, so that those who are turned away together do not come back together.
std::chrono::seconds Exchange::spread_retry() const {
  const auto most = static_cast<std::uint64_t>(worker_.limits.retry_after_max.count());
  return std::chrono::seconds(1 + worker_.engine.random().next() % most);
}

std::shared_ptr<const std::string> Exchange::custom_page(int status) const {
  if (const model::Listener* listener = decision_->route.listener) {
    if (auto own = find_custom_page(listener->error_pages, status)) return own;
  }
  return find_custom_page(snapshot_.gateway->error_pages, status);
}

io::Task<> Exchange::refuse_head(const http::HeadOutcome& outcome) {
  worker_.counters.requests.add();
  int status = outcome.refusal.status;
  if (outcome.kind == http::HeadOutcome::Kind::failed) {
    // A client that left has nobody to answer to; one that was too slow gets its 408.
    if (outcome.error.kind != ErrorKind::timed_out) co_return;
    status = 408;
  }
  if (status == 502) status = 400;
  error_info_ = error_info(status);
  worker_.events.debug("request", "{} from {}: {}", status, client_.facts.peer_ip, outcome.refusal.what);
  (void)co_await answer(status, false);
}

telemetry::RouteRequests* Exchange::route_requests() const {
  const auto& counters = names().counters;
  return counters ? &counters->requests[worker_.index] : nullptr;
}

void Exchange::note_try(const board::Member& member, int status, Duration took) {
  if (telemetry::RouteRequests* route = route_requests()) {
    route->member_responses[class_of(status)].add();
    if (status != 0) route->first_byte.add(took);
  }
  if (!worker_.access_log.on()) return;
  append_to_list(routed_, member.address);
  append_to_list(statuses_, status == 0 ? "-" : std::string_view(fmt::format_int(status).c_str()));
  append_to_list(latencies_, fmt::format("{:.3f}", seconds(took)));
}

TunnelTag Exchange::make_tag(board::Seat seat) const {
  const auto& options = snapshot_.gateway->options;
  TunnelTag tag{snapshot_.names[decision_->route.to->id],
                std::move(seat),
                trace_id_,
                client_.facts.peer.ip,
                client_.facts.peer.port,
                0,
                false};
  if (options.request_timeout_limits_tunnels) {
    tag.idle_seconds_max = static_cast<std::uint32_t>(group().settings.request_timeout.count());
    tag.only_backend_counts = true;
  } else if (options.tunnel_idle_timeout) {
    tag.idle_seconds_max = static_cast<std::uint32_t>(options.tunnel_idle_timeout->count());
  }
  return tag;
}

void Exchange::fill(telemetry::AccessRecord& record, int status) {
  const RouteNames& names = this->names();
  const http1::RequestTarget& target = decision_->asked.target;
  record.time = began_wall_;
  record.resource_id = names.resource_id;
  record.listener = names.listener;
  record.rule = names.rule;
  record.pool = names.pool;
  record.settings = names.settings;
  record.client_ip = client_.facts.peer_ip;
  record.client_port = client_.facts.peer.port;
  record.method = request_.method();
  record.original_uri = request_.target();
  const bool rewritten = decision_->rewriter.url_changed();
  record.request_uri = rewritten ? std::string_view(decision_->rewriter.path()) : target.path;
  record.query = rewritten ? std::string_view(decision_->rewriter.query()) : target.query;
  record.user_agent = request_.find(FieldId::user_agent).value_or("");
  record.http_version = request_.version();
  record.status = status;
  record.received_bytes = received_before_ + client_.channel.body_bytes();
  record.sent_bytes = client_.channel.bytes_sent() - sent_before_;
  record.client_response_seconds = seconds(first_byte_after_);
  record.taken_seconds = seconds(worker_.engine.now() - began_);
  record.transaction_id = trace_text();
  record.trace_id = trace_id_of(request_.find("traceparent").value_or(""));
  record.tls = client_.facts.tls;
  record.tls_cipher = client_.facts.tls_facts.cipher;
  record.tls_protocol = client_.facts.tls_facts.protocol;
  if (const ClientCertificate* certificate = client_.facts.certificate.get()) {
    record.client_verify = certificate->verification;
    record.client_fingerprint = certificate->fingerprint;
    record.client_issuer = certificate->issuer;
  }
  record.server_routed = routed_;
  record.server_status = statuses_;
  record.server_latency = latencies_;
  record.original_host = target.authority;
  record.host = target.host;
  record.error_info = error_info_.empty() ? "ERRORINFO_NO_ERROR" : error_info_;
  record.content_type = content_type_;
}

std::uint64_t Exchange::random_part() const {
  std::uint64_t out = 0;
  std::memcpy(&out, trace_id_.data(), sizeof out);
  return out;
}

void Exchange::log(int status) {
  worker_.counters.responses_by_class[class_of(status)].add();
  const Duration took = worker_.engine.now() - began_;
  if (status != 101) {
    worker_.counters.request_microseconds.add(
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }
  if (telemetry::RouteRequests* route = route_requests()) {
    route->responses[class_of(status)].add();
    route->received_bytes.add(received_before_ + client_.channel.body_bytes());
    route->sent_bytes.add(client_.channel.bytes_sent() - sent_before_);
    if (status != 101) route->total.add(took);
  }
  const bool tunnel = status == 101;
  if (tunnel ? !worker_.access_log.on() : !worker_.access_log.wants(status, random_part())) return;
  telemetry::AccessRecord record;
  fill(record, status);
  if (tunnel)
    worker_.access_log.tunnel_opened(record, trace_text());
  else
    worker_.access_log.exchange(record);
}

}  // namespace passerelle::proxy
