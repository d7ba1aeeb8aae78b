#include "program/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "admin/ready_report.h"
#include "io/heap.h"
#include "io/service_manager.h"
#include "program/tunnel_views.h"

namespace passerelle::program {
namespace {

const std::vector<int> gateway_signals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
// How long the first probes may take before the report under the ready line is printed without them, or
// before a process that takes over goes on without them.
constexpr std::chrono::milliseconds first_probes_wait{700};
// Of an OCSP responder that is asked about a client.
constexpr std::chrono::seconds responder_timeout{5};
// For a new process to load its configuration, besides what --wait-healthy gives it.
constexpr std::chrono::seconds prepare_timeout{60};
constexpr std::chrono::seconds admin_answer_timeout{2};

telemetry::Level level_of(const std::string& name) {
  if (name == "debug") return telemetry::Level::debug;
  if (name == "warning") return telemetry::Level::warning;
  return name == "error" ? telemetry::Level::error : telemetry::Level::info;
}

void print_problems(const Problems& problems) {
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", problem.to_string());
}

proxy::WorkerSettings settings_with(telemetry::AccessLogSettings access_log, proxy::AskResponder ask) {
  proxy::WorkerSettings out;
  out.access_log = std::move(access_log);
  out.ask_responder = std::move(ask);
  out.accepting = false;  // from the ready line on
  return out;
}

}  // namespace

void Program::block_signals() { io::Signals::block(gateway_signals); }

Program::Program(const cli::Options& options, CommandLine command_line,
                 telemetry::AccessLogSettings access_log, std::string note)
    : options_(options),
      access_sink_(access_log.sink),
      event_sink_(std::make_shared<telemetry::LineSink>(STDERR_FILENO, "")),
      events_(clock_, level_of(options.log_level), options.log_format == "json", event_sink_),
      engine_(clock_, random_),
      signals_(gateway_signals, [this](int number) { hear(number); }),
      data_plane_(engine_, clock_, resolver_,
                  {options.workers, io::engine_kind(options.engine),
                   settings_with(std::move(access_log), ask_responder()), staples_},
                  events_),
      configuration_(control::FileSource(options.files), control::StateFolder(options.state), activation(),
                     random_, events_),
      upgrade_(engine_, data_plane_, events_, std::move(command_line),
               prepare_timeout + std::chrono::seconds(options.wait_healthy_seconds)),
      note_(std::move(note)),
      background_(engine_),
      observed_(observe()),
      arm_(engine_, random_, configuration_, observed_),
      live_(engine_, observed_),
      pages_(observed_, configuration_, arm_, live_, background_,
             {admin_token(), [this](std::string_view host) { return admin_.answers_to(host); }},
             fmt::format("{:016x}{:016x}", random_.next(), random_.next())),
      admin_(
          engine_, options, [this](const http::Request& request) { return pages_.answer(request); },
          [this](const http::Request& request) { return pages_.refuse(request); },
          [this](std::unique_ptr<io::Stream> stream, const MessageHead& head, std::string unread) {
            return live_.watch(std::move(stream), head, std::move(unread));
          }),
      tasks_(engine_) {
  if (auto socket = take_predecessor_socket())
    predecessor_ = std::make_unique<Takeover>(engine_, data_plane_, events_, std::move(socket));
}

int Program::run() {
  tasks_.spawn(live());
  engine_.run();
  return exit_code_;
}

control::Activation Program::activation() {
  return {[this](std::shared_ptr<const model::Gateway> gateway) {
            return data_plane_.prepare(std::move(gateway));
          },
          [this] { data_plane_.commit(); }, [this] { data_plane_.abandon(); },
          [this](std::shared_ptr<const model::Gateway> gateway) { data_plane_.refresh(std::move(gateway)); }};
}

// Workers have no way to other servers; the control plane asks for them.
proxy::AskResponder Program::ask_responder() {
  return [this](tls::OcspQuestion question, proxy::ResponderReply reply) {
    engine_.post([this, question = std::move(question), reply = std::move(reply)] {
      if (ending_) return reply(std::unexpected(std::string("the gateway stops")));
      tasks_.spawn(ask(question, reply));
    });
  };
}

io::Task<> Program::ask(tls::OcspQuestion question, proxy::ResponderReply reply) {
  reply(co_await client_.ask({std::move(question.url), "application/ocsp-response", tls::ocsp_bytes_max,
                              std::move(question.request), "application/ocsp-request"},
                             engine_.in(responder_timeout, ended_)));
}

// Made once and kept; without it nobody may ask for more than reading.
std::string Program::admin_token() {
  if (options_.admin == "off" && options_.admin_tls == "off") return {};
  const control::StateFolder state(options_.state);
  auto token = state.secret("token", random_);
  if (token) {
    token_note_ = fmt::format("the admin listener's token is in {}/token", state.path());
    return std::move(*token);
  }
  token_note_ = "the admin listener only reads, for its token cannot be kept: " + token.error();
  return {};
}

admin::Observed Program::observe() {
  return {[this] { return ready_; },
          [this] { return data_plane_.snapshot()->gateway; },
          [this] { return data_plane_.snapshot()->groups; },
          [this] { return listeners(); },
          [this] { return data_plane_.counters(); },
          [this] { return data_plane_.tunnel_frames(); },
          [this] { return data_plane_.route_counters(); },
          [this](const admin::TunnelQuery& query) { return find_tunnels(data_plane_, query); },
          [this] { return configuration_.version(); },
          [this](model::Index group, model::Probe probe) { return probe_now(group, std::move(probe)); },
          [this] { return upgrade("the admin listener"); },
          [this] { return tunnels_by_member(data_plane_); },
          [this] { return ended_tunnels(data_plane_); },
          [this](const admin::CloseRequest& request) { return close_tunnel(data_plane_, request); },
          [this](const admin::MemberRequest& request) { return drain_member(request); },
          [this](const admin::MemberRequest& request) {
            const auto members = data_plane_.find_members(request.pool, request.settings, request.member);
            for (const auto& member : members) data_plane_.resume_member(*member);
            return !members.empty();
          },
          [this](std::string_view reason) {
            data_plane_.end_tunnels(std::chrono::seconds(options_.drain_seconds),
                                    telemetry::TunnelEnd::stopped,
                                    {.code = 1001, .reason = std::string(reason)});
          },
          [this]() -> std::string {
            if (upgrade_.under_way() || upgrade_.done()) return "another process takes over";
            return !ready_ || stop_.requested() ? "this process is about to end" : "";
          }};
}

std::optional<admin::DrainView> Program::drain_member(const admin::MemberRequest& request) {
  const auto members = data_plane_.find_members(request.pool, request.settings, request.member);
  if (members.empty()) return std::nullopt;
  admin::DrainView out;
  for (const auto& member : members) {
    out.tunnels += member->tunnels.load();
    const auto snapshot = data_plane_.snapshot();
    for (std::size_t i = 0; i < snapshot->groups.size(); ++i) {
      const std::string& pool = snapshot->gateway->groups[i].pool;
      if (std::ranges::find(snapshot->groups[i].members, member) != snapshot->groups[i].members.end() &&
          std::ranges::find(out.pools, pool) == out.pools.end())
        out.pools.push_back(pool);
    }
    out.over = std::max(out.over, std::chrono::ceil<std::chrono::seconds>(data_plane_.drain_member(member)));
  }
  return out;
}

io::Task<std::vector<admin::ProbedMember>> Program::probe_now(model::Index group, model::Probe probe) {
  std::vector<admin::ProbedMember> out;
  for (auto& probed : co_await data_plane_.probe_now(group, std::move(probe)))
    out.push_back({probed.member->name, probed.member->address, std::move(probed.report)});
  co_return out;
}

io::Task<int> Program::start() {
  std::vector<proxy::InheritedSocket> admin_sockets;
  if (predecessor_) {
    expect_shared_descriptors();
    auto greeted = co_await predecessor_->greet(stop_);
    if (!greeted) {
      fmt::print(stderr, "passerelle: error: CannotTakeOver: {}\n", greeted.error());
      co_return cli::exit_cannot_start;
    }
    admin_sockets = std::move(*greeted);
  } else {
    const control::StateFolder state(options_.state);
    // What two processes wrote there, only one of them would carry.
    if (const auto held = configuration_.is_kept() ? state.hold() : std::expected<void, std::string>();
        !held) {
      fmt::print(stderr, "passerelle: error: StateFolderInUse: {}\n", held.error());
      co_return cli::exit_cannot_start;
    }
    std::vector<proxy::InheritedSocket> sockets;
    auto given = io::take_service_sockets();
    // The service manager keeps them too.
    if (!given.empty()) expect_shared_descriptors();
    for (auto& [address, descriptor] : given) {
      const bool for_admin = admin_.is_own(address);
      auto& socket = (for_admin ? admin_sockets : sockets)
                         .emplace_back(proxy::InheritedSocket{address, address, {}, {}});
      socket.descriptors.push_back(std::move(descriptor));
    }
    data_plane_.inherit(std::move(sockets), {});
  }
  Problems problems;
  const auto outcome = configuration_.load(problems);
  print_problems(problems);
  if (outcome == control::Configuration::Outcome::invalid) co_return cli::exit_configuration;
  if (outcome == control::Configuration::Outcome::cannot_start) co_return cli::exit_cannot_start;
  co_return admin_.open(admin_sockets, options_.files.scope.now);
}

void Program::expect_shared_descriptors() {
  engine_.expect_shared_descriptors();
  data_plane_.expect_shared_descriptors();
}

io::Task<int> Program::take_over() {
  // A member that is new in this configuration should not meet the first client with its health unknown.
  co_await first_probes();
  const auto taken = co_await predecessor_->take_tunnels(stop_);
  if (!taken) {
    fmt::print(stderr, "passerelle: error: CannotTakeOver: {}\n", taken.error());
    co_return cli::exit_cannot_start;
  }
  events_.info("upgrade", "{} tunnels are taken over", *taken);
  co_return cli::exit_done;
}

io::Task<int> Program::get_ready() {
  if (const int failed = co_await start(); failed != cli::exit_done) co_return failed;
  // Who takes over accepts only what nobody else does any more.
  const auto accept = [this] {
    for (const Endpoint& unused : data_plane_.accept())
      events_.warning(
          "start",
          "nothing in the configuration listens on {}: the socket that came with the start is closed",
          unused.to_string());
    admin_.serve();
  };
  if (!predecessor_) accept();
  if (options_.wait_healthy_seconds > 0 && !co_await every_pool_healthy() && !stop_.requested()) {
    fmt::print(stderr, "passerelle: error: NotHealthy: not every pool has a healthy member after {} s\n{}",
               options_.wait_healthy_seconds, report());
    co_return cli::exit_cannot_start;
  }
  if (!predecessor_) co_return cli::exit_done;
  const int taken = co_await take_over();
  if (taken == cli::exit_done) accept();
  co_return taken;
}

io::Task<> Program::live() {
  const int code = co_await get_ready();
  if (code != cli::exit_done) co_return co_await end(code);
  if (stop_.requested()) co_return;  // a signal came first; who took it ends the program
  tell_ready();
  if (predecessor_) {
    tasks_.spawn(predecessor_->follow(stop_));
    if (configuration_.has_changed()) reload("a file changed during the upgrade");
  }
  if (std::exchange(reload_wanted_, false)) reload("SIGHUP");
  tasks_.spawn(configuration_.follow_error_pages(engine_, resolver_, following_));
  tasks_.spawn(configuration_.follow_certificates(engine_, resolver_, *staples_, following_));
  if (options_.watch) tasks_.spawn(watch());
  tasks_.spawn(give_memory_back());
  co_await first_probes();
  if (stop_.requested()) co_return;
  fmt::print(stderr, "{}", report());
  for (const std::string& note : {token_note_, admin_.note(), note_}) {
    if (!note.empty()) fmt::print(stderr, "  {}\n", note);
  }
}

void Program::tell_reloading() {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(clock_.now().time_since_epoch());
  io::notify_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.count()));
}

void Program::reload(std::string_view why) {
  tell_reloading();
  configuration_.reload(why);
  io::notify_service_manager("READY=1");
}

io::Task<> Program::give_memory_back() {
  constexpr std::chrono::seconds interval{1};
  // So many connections since the last time are worth it; so many in an interval are a moment too busy for
  // it.
  constexpr std::uint64_t worth_it = 1000, busy = 40;
  std::uint64_t before = 0, at_last = 0;
  while (co_await engine_.sleep(engine_.in(interval, stop_))) {
    std::uint64_t accepted = 0;
    for (const telemetry::Counters* worker : data_plane_.counters())
      accepted += worker->connections_accepted.value();
    const bool quiet = accepted - std::exchange(before, accepted) < busy;
    if (!quiet || accepted - at_last < worth_it) continue;
    at_last = accepted;
    co_await background_.run([] {
      io::give_heap_back();
      return true;
    });
  }
}

io::Task<> Program::watch() {
  while (co_await configuration_.changed(engine_, following_)) {
    // What the new process has loaded meanwhile, or loads, it sees by itself.
    if (!upgrade_.under_way() && configuration_.has_changed()) reload("a file changed");
  }
}

void Program::tell_ready() {
  ready_ = true;
  if (options_.engine == "io_uring" && data_plane_.engine_name() != options_.engine)
    events_.warning("engine",
                    "the kernel, or what confines this process, does not allow io_uring (Linux 6.1 or "
                    "later has what it takes): the workers run on epoll");
  const std::string admin = admin_.addresses();
  const std::string& name = configuration_.gateway()->name;
  fmt::print(stderr, "passerelle: ready: {}{} with {} worker{} on {}{}{}\n",
             name.empty() ? "no gateway yet," : "gateway ", name, options_.workers,
             options_.workers == 1 ? "" : "s", data_plane_.engine_name(), admin.empty() ? "" : ", admin ",
             admin);
  io::notify_service_manager(predecessor_ ? fmt::format("READY=1\nMAINPID={}", ::getpid()) : "READY=1");
}

template <class Condition>
io::Task<bool> Program::wait_until(Condition condition, Duration most) {
  const TimePoint deadline = engine_.now() + most;
  while (!condition()) {
    if (engine_.now() >= deadline ||
        !co_await engine_.sleep({std::min(deadline, engine_.now() + std::chrono::milliseconds(20)), &stop_}))
      break;
  }
  co_return condition();
}

io::Task<bool> Program::every_pool_healthy() {
  return wait_until(
      [this] {
        for (const auto& group : data_plane_.snapshot()->groups) {
          const auto up = [](const auto& member) { return member->health.load() == model::Health::up; };
          if (std::ranges::none_of(group.members, up)) return false;
        }
        return true;
      },
      std::chrono::seconds(options_.wait_healthy_seconds));
}

io::Task<> Program::first_probes() {
  (void)co_await wait_until(
      [this] {
        for (const auto& group : data_plane_.snapshot()->groups) {
          for (const auto& member : group.members) {
            if (member->report().when == WallTime{}) return false;
          }
        }
        return true;
      },
      first_probes_wait);
}

std::vector<admin::ListenerAddresses> Program::listeners() const {
  std::vector<admin::ListenerAddresses> out;
  for (auto& open : data_plane_.open_listeners()) out.push_back({open.listener, std::move(open.addresses)});
  return out;
}

std::string Program::report() {
  const auto snapshot = data_plane_.snapshot();
  return admin::ready_report(*snapshot->gateway, snapshot->groups, listeners());
}

// On the signals' own thread: a second TERM ends the process even if an engine is stuck.
void Program::hear(int number) {
  if ((number == SIGTERM || number == SIGINT) && ++stop_signals_ > 1) ::_exit(cli::exit_done);
  engine_.post([this, number] { on_signal(number); });
}

void Program::on_signal(int number) {
  if (number == SIGUSR1) return access_sink_ ? access_sink_->reopen() : void();
  if (number == SIGHUP || number == SIGUSR2) {
    if (stop_.requested() || upgrade_.done()) return;
    if (number == SIGUSR2) return tasks_.spawn(upgrade_by_signal());
    if (ready_ && !upgrade_.under_way()) return reload("SIGHUP");
    // Once it is ready, or once the upgrade has failed; if it succeeds the new process looks at the files
    // again.
    reload_wanted_ = true;
    return;
  }
  stop_.request_stop();
  tasks_.spawn(drain());
}

io::Task<> Program::upgrade_by_signal() {
  // What there is to say stands in the event log.
  const auto done = co_await upgrade("SIGUSR2");
  if (!done) events_.debug("upgrade", "SIGUSR2: {}", done.error());
}

io::Task<std::expected<admin::UpgradeView, std::string>> Program::upgrade(std::string_view why) {
  if (!ready_ || stop_.requested() || upgrade_.done())
    co_return std::unexpected("this process is about to end");
  if (upgrade_.under_way()) co_return std::unexpected("an upgrade is under way already");
  if (std::ranges::find(options_.files.templates, "-") != options_.files.templates.end())
    co_return std::unexpected(
        "a template came from standard input, which a new process cannot read again: give it as a file");
  events_.info("upgrade", "asked for by {}", why);
  tell_reloading();
  auto sockets = data_plane_.share_sockets();
  std::ranges::move(admin_.share(), std::back_inserter(sockets));
  const auto report = co_await upgrade_.run(std::move(sockets), stop_);
  if (!report) {
    io::notify_service_manager("READY=1");
    if (std::exchange(reload_wanted_, false) && !stop_.requested()) reload("SIGHUP");
    co_return std::unexpected(report.error());
  }
  tasks_.spawn(live_on());
  co_return admin::UpgradeView{static_cast<unsigned>(::getpid()), static_cast<unsigned>(report->successor),
                               report->moved, report->stay};
}

// As the predecessor of whoever carries the traffic now.
io::Task<> Program::live_on() {
  following_.request_stop();
  // Of three processes the first one ends.
  if (predecessor_)
    co_await predecessor_->tell_to_leave({std::chrono::seconds(options_.drain_seconds), 1012});
  admin_.stop_accepting();
  live_.end("another process carries the traffic now");
  co_await upgrade_.live_on(stop_);
  // Whoever asked for the upgrade is still to be answered.
  (void)co_await wait_until([this] { return !admin_.busy(); }, admin_answer_timeout);
  if (!stop_.requested()) co_await end(cli::exit_done);
}

io::Task<> Program::drain() {
  ready_ = false;
  io::notify_service_manager("STOPPING=1");
  events_.info("shutdown", "draining for up to {} s", options_.drain_seconds);
  const std::chrono::seconds drain_time(options_.drain_seconds);
  if (predecessor_) co_await predecessor_->tell_to_leave({drain_time, 1001});
  const bool drained =
      co_await data_plane_.drain({engine_.now() + drain_time, nullptr}, telemetry::TunnelEnd::shutdown,
                                 {.code = 1001, .reason = "the gateway is shutting down"});
  if (!drained) events_.warning("shutdown", "the drain time is over; what is still open is closed");
  co_await end(cli::exit_done);
}

io::Task<> Program::end(int code) {
  if (std::exchange(ending_, true)) co_return;
  stop_.request_stop();
  ended_.request_stop();
  data_plane_.stop_probes_on_demand();
  live_.end("the gateway stops");
  co_await admin_.stop();
  co_await live_.stop();
  co_await arm_.stop();
  co_await data_plane_.stop();
  exit_code_ = code;
  while (tasks_.running() > 1) co_await engine_.yield();  // those that were waiting for the stop
  engine_.stop();
}

}  // namespace passerelle::program
