#include "proxy/prober.h"

#include <fmt/format.h>

#include <algorithm>

#include "http/message_source.h"
#include "proxy/upstream.h"

namespace passerelle::proxy {
namespace {

constexpr std::chrono::seconds eager_interval{1};
// As much of an answer's body as is searched for the text a probe wants.
constexpr std::size_t searched_bytes_max = 64 * kibibyte;

std::string request_text(const ProbeTarget& target) {
  const auto& host = target.probe.host.empty() ? target.member->name : target.probe.host;
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Passerelle-Probe\r\nAccept: */*\r\nConnection: "
      "close\r\n\r\n",
      target.probe.path, host);
}

// Where the probe really goes: the probe's own port wins.
Endpoint probed_endpoint(const ProbeTarget& target) {
  Endpoint endpoint = target.member->endpoint;
  if (target.probe.port != 0 && !endpoint.is_unix()) endpoint.port = target.probe.port;
  return endpoint;
}

std::string sent_in_words(const ProbeTarget& target) {
  const auto& host = target.probe.host.empty() ? target.member->name : target.probe.host;
  return fmt::format("GET {}://{}{} with Host: {}", target.member->tls ? "https" : "http",
                     probed_endpoint(target).to_string(), target.probe.path, host);
}

}  // namespace

Prober::Prober(io::Engine& engine, const Limits& limits, telemetry::EventLog& events, OnChange on_change)
    : engine_(engine), limits_(limits), events_(events), on_change_(std::move(on_change)), tasks_(engine) {}

void Prober::set_targets(const std::vector<ProbeTarget>& targets) {
  std::map<const board::Member*, std::shared_ptr<Running>> next;
  for (const ProbeTarget& target : targets) {
    const auto known = running_.find(target.member.get());
    const auto is_same = [&](const ProbeTarget& other) {
      return other.probe == target.probe && other.context == target.context &&
             other.server_name == target.server_name;
    };
    if (known != running_.end() && is_same(known->second->target)) {
      next.emplace(target.member.get(), known->second);
    } else if (!next.contains(target.member.get())) {
      auto running = std::make_shared<Running>(target, &tasks_.stop_source());
      next.emplace(target.member.get(), running);
    }
  }
  std::swap(running_, next);
  for (auto& [member, running] : next) {
    if (const auto still = running_.find(member); still == running_.end() || still->second != running)
      running->stop.request_stop();
  }
  for (auto& [member, running] : running_) {
    if (const auto before = next.find(member); before == next.end() || before->second != running)
      tasks_.spawn(probe_loop(running));
  }
}

io::Task<> Prober::stop() {
  tasks_.stop();
  co_await tasks_.join();
}

io::Task<board::ProbeReport> Prober::probe_now(ProbeTarget target) {
  const Outcome outcome = co_await probe_once(target, engine_.in(target.probe.timeout, tasks_.stop_source()));
  co_return report_of(target, outcome);
}

board::ProbeReport Prober::report_of(const ProbeTarget& target, const Outcome& outcome) {
  const auto& verdict = outcome.verdict;
  return {engine_.wall(),   sent_in_words(target), verdict.expected,
          verdict.received, verdict.hint,          verdict.success};
}

io::Task<> Prober::probe_loop(std::shared_ptr<Running> running) {
  const ProbeTarget& target = running->target;
  policy::HealthThreshold standing(target.member->health.load());
  bool answered = standing.health() == model::Health::up;
  while (!running->stop.requested()) {
    const TimePoint started = engine_.now();
    const Outcome outcome = co_await probe_once(target, {started + target.probe.timeout, &running->stop});
    if (running->stop.requested()) break;
    if (outcome.our_own_want) {
      events_.warning("probe", "out of file descriptors: {} could not be probed, and keeps its standing",
                      target.member->address);
      (void)co_await engine_.sleep({engine_.now() + eager_interval, &running->stop});
      continue;
    }
    answered = answered || outcome.answered;
    const auto before = standing.health();
    const auto change = standing.feed(outcome.verdict.success, target.probe.unhealthy_threshold);
    target.member->set_report(report_of(target, outcome));
    if (change && *change == model::Health::up && before == model::Health::down)
      target.member->note_return(engine_.now());
    if (change) target.member->health.store(*change);
    if (change || !outcome.verdict.success) tell(target, outcome, standing.health(), change.has_value());
    if (change) on_change_(target.member, *change);
    const Duration interval =
        answered ? Duration(target.probe.interval)
                 : Duration(std::min<std::chrono::seconds>(eager_interval, target.probe.interval));
    (void)co_await engine_.sleep({std::max(started + interval, engine_.now()), &running->stop});
  }
}

io::Task<Prober::Outcome> Prober::probe_once(const ProbeTarget& target, io::Wait wait) {
  Outcome out;
  out.verdict.expected = policy::expectation(target.probe);
  const auto asked = co_await ask(target, wait, out);
  if (!asked) {
    out.verdict.success = false;
    out.our_own_want = asked.error().kind == ErrorKind::no_resources;
    out.verdict.received = asked.error().kind == ErrorKind::timed_out
                               ? fmt::format("nothing within {} s", target.probe.timeout.count())
                               : fmt::format("no answer: {}", asked.error().kind == ErrorKind::protocol ||
                                                                      asked.error().kind == ErrorKind::tls
                                                                  ? asked.error().what
                                                                  : to_string(asked.error().kind));
  }
  co_return out;
}

io::Task<Result<>> Prober::ask(const ProbeTarget& target, io::Wait wait, Outcome& out) {
  const std::string& host = target.probe.host.empty() ? target.member->name : target.probe.host;
  const std::string server_name = !target.server_name.empty() ? target.server_name
                                  : IpAddress::parse(host)    ? std::string()
                                                              : host;
  const Endpoint endpoint = probed_endpoint(target);
  auto stream = co_await engine_.connect(endpoint, wait);
  if (!stream) co_return std::unexpected(stream.error());
  std::unique_ptr<io::Stream> connection = std::move(*stream);
  if (target.member->tls) {
    auto secured =
        std::make_unique<tls::TlsStream>(std::move(connection), *target.context, tls_workspace_, server_name);
    if (auto shaken = co_await secured->handshake(wait); !shaken) co_return shaken;
    connection = std::move(secured);
  }
  const std::string request = request_text(target);
  if (auto sent = co_await connection->send(request, wait); !sent) co_return sent;
  http::MessageSource source(*connection, http1::HeadKind::response, limits_, http_workspace_);
  auto head = http_workspace_.heads.take();
  for (std::size_t interim = 0; interim <= limits_.interim_responses_max; ++interim) {
    const auto outcome = co_await source.read_head(*head, wait);
    if (outcome.kind == http::HeadOutcome::Kind::refused)
      co_return fail(ErrorKind::protocol, outcome.refusal.what);
    if (outcome.kind != http::HeadOutcome::Kind::complete) co_return std::unexpected(outcome.error);
    if (head->status >= 200) break;
  }
  out.answered = true;
  std::string body;
  if (!target.probe.body.empty()) {
    const auto framing = http1::response_framing(*head, "GET");
    if (!framing) co_return fail(ErrorKind::protocol, framing.error().what);
    source.begin_body(*framing);
    while (body.size() < searched_bytes_max && !source.body_finished()) {
      const auto piece = co_await source.read_body(wait);
      if (!piece) co_return std::unexpected(piece.error());
      body += *piece;
    }
  }
  out.verdict = policy::judge(target.probe, *head, body);
  co_return Result<>();
}

void Prober::tell(const ProbeTarget& target, const Outcome& outcome, model::Health health, bool changed) {
  const auto& v = outcome.verdict;
  const std::string what =
      fmt::format("member {} of pool '{}' (setting '{}', probe '{}')", target.member->address, target.pool,
                  target.member->settings_name, target.probe.name);
  if (v.success) return events_.info("probe", "{} is up: {} received", what, v.received);
  const std::string told =
      fmt::format("{} {}: sent {}; expected {}; received {}{}{}", what,
                  health == model::Health::down ? "is down" : "failed a probe", sent_in_words(target),
                  v.expected, v.received, v.hint.empty() ? "" : "; hint: ", v.hint);
  // Each failure that counts is told; of a member that stays down, only the change.
  if (changed || health == model::Health::up)
    events_.warning("probe", "{}", told);
  else
    events_.debug("probe", "{}", told);
}

}  // namespace passerelle::proxy
