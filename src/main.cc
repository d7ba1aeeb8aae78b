// Builds every part and introduces them to each other. Nobody else sees both planes.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <iostream>
#include <thread>

#include "admin/admin_pages.h"
#include "admin/ready_report.h"
#include "base/text.h"
#include "cli/demo_backend.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "control/configuration.h"
#include "io/descriptor_limit.h"
#include "io/epoll_engine.h"
#include "io/resolver.h"
#include "io/service_manager.h"
#include "io/signals.h"
#include "io/system_clock.h"
#include "proxy/data_plane.h"
#include "telemetry/event_log.h"
#include "telemetry/line_sink.h"

namespace passerelle {
namespace {

const std::vector<int> gateway_signals = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
constexpr const char* version_text = "0.1.0";
// How long the first probes may take before the report under the ready line is printed without them.
constexpr std::chrono::milliseconds first_probes_wait{700};
// Of an OCSP responder that is asked about a client.
constexpr std::chrono::seconds responder_timeout{5};

telemetry::Level level_of(const std::string& name) {
  if (name == "debug") return telemetry::Level::debug;
  if (name == "warning") return telemetry::Level::warning;
  return name == "error" ? telemetry::Level::error : telemetry::Level::info;
}

void print_problems(const Problems& problems) {
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", problem.to_string());
}

// `run`: both planes, the admin listener, the signals. A resource for the life of the process.
class Program {
 public:
  Program(const cli::Options& options, std::shared_ptr<telemetry::LineSink> access_sink, bool for_people)
      : options_(options),
        access_sink_(std::move(access_sink)),
        event_sink_(std::make_shared<telemetry::LineSink>(STDERR_FILENO, "")),
        events_(clock_, level_of(options.log_level), options.log_format == "json", event_sink_),
        engine_(clock_, random_),
        signals_(gateway_signals, [this](int number) { hear(number); }),
        data_plane_(engine_, clock_, resolver_,
                    {options.workers, {Limits{}, access_sink_, for_people, ask_responder()}, staples_},
                    events_),
        configuration_(control::FileSource(options.files), control::StateFolder(options.state), activation(),
                       random_, events_),
        pages_(observed(), admin_token()),
        admin_(engine_, [this](const http::Request& request) { return pages_.answer(request); }),
        tasks_(engine_) {}

  int run() {
    if (const int failed = start(); failed != cli::exit_done) return shut(failed);
    tasks_.spawn(live());
    engine_.run();
    return exit_code_;
  }

 private:
  control::Activation activation() {
    return {
        [this](std::shared_ptr<const model::Gateway> gateway) {
          return data_plane_.prepare(std::move(gateway));
        },
        [this] { data_plane_.commit(); },
        [this](std::shared_ptr<const model::Gateway> gateway) { data_plane_.refresh(std::move(gateway)); }};
  }

  // Workers have no way to other servers; the control plane asks for them.
  proxy::AskResponder ask_responder() {
    return [this](tls::OcspQuestion question, proxy::ResponderReply reply) {
      engine_.post([this, question = std::move(question), reply = std::move(reply)] {
        if (ending_) return reply(std::unexpected(std::string("the gateway stops")));
        tasks_.spawn(ask(question, reply));
      });
    };
  }

  io::Task<> ask(tls::OcspQuestion question, proxy::ResponderReply reply) {
    reply(co_await client_.ask({std::move(question.url), "application/ocsp-response", tls::ocsp_bytes_max,
                                std::move(question.request), "application/ocsp-request"},
                               engine_.in(responder_timeout, ended_)));
  }

  // Made once and kept; without it nobody may ask for more than reading.
  std::string admin_token() {
    if (options_.admin == "off") return {};
    const control::StateFolder state(options_.state);
    auto token = state.secret("token", random_);
    if (token) {
      token_note_ = fmt::format("the admin listener's token is in {}/token", state.path());
      return std::move(*token);
    }
    token_note_ = "the admin listener only reads, for its token cannot be kept: " + token.error();
    return {};
  }

  admin::Observed observed() {
    return {[this] { return ready_; },
            [this] { return data_plane_.snapshot()->gateway; },
            [this] { return data_plane_.snapshot()->groups; },
            [this] { return data_plane_.counters(); },
            [this] { return data_plane_.tunnel_frames(); },
            [this] { return data_plane_.route_counters(); },
            [this] { return tunnels(); },
            [this] { return configuration_.version(); },
            [this](model::Index group, model::Probe probe) { return probe_now(group, std::move(probe)); }};
  }

  io::Task<std::vector<admin::ProbedMember>> probe_now(model::Index group, model::Probe probe) {
    std::vector<admin::ProbedMember> out;
    for (auto& probed : co_await data_plane_.probe_now(group, std::move(probe)))
      out.push_back({probed.member->name, probed.member->address, std::move(probed.report)});
    co_return out;
  }

  std::vector<admin::TunnelView> tunnels() {
    std::vector<admin::TunnelView> out;
    data_plane_.visit_workers([&](proxy::Worker& worker) {
      worker.tunnels.for_each([&](proxy::Tunnel& tunnel) {
        const auto& tag = tunnel.tag();
        admin::TunnelView& view = out.emplace_back();
        append_hex(view.id, {tag.trace_id.data(), tag.trace_id.size()});
        view.listener = tag.names->listener;
        view.rule = tag.names->rule;
        view.pool = tag.names->pool;
        view.settings = tag.names->settings;
        view.client = Endpoint{tag.client_ip, tag.client_port, {}}.to_string();
        view.member = tag.seat.member()->address;
        view.seconds = std::chrono::duration<double>(worker.engine.now() - tunnel.opened()).count();
        view.messages_from_client = tunnel.from_client().messages;
        view.messages_from_backend = tunnel.from_backend().messages;
        view.bytes_from_client = tunnel.from_client().bytes;
        view.bytes_from_backend = tunnel.from_backend().bytes;
      });
    });
    return out;
  }

  // Exit code 0: everything is open.
  int start() {
    Problems problems;
    const auto outcome = configuration_.load(problems);
    print_problems(problems);
    if (outcome == control::Configuration::Outcome::invalid) return cli::exit_configuration;
    if (outcome == control::Configuration::Outcome::cannot_start) return cli::exit_cannot_start;
    if (options_.admin == "off") return cli::exit_done;
    const Endpoint endpoint = *Endpoint::parse(options_.admin);
    auto listener = engine_.listen(endpoint, {.reuse_port = false, .for_clients = false, .backlog = 128});
    if (!listener) {
      fmt::print(stderr,
                 "passerelle: error: {}: the admin listener cannot listen on {} ({}); choose another with "
                 "--admin ADDRESS:PORT, or --admin off\n",
                 listener.error().kind == ErrorKind::in_use ? "AddressInUse" : "CannotListen", options_.admin,
                 to_string(listener.error().kind));
      return cli::exit_cannot_start;
    }
    admin_address_ = (*listener)->local();
    admin_.serve(std::move(*listener));
    return cli::exit_done;
  }

  // Undoes a start that failed half way.
  int shut(int code) {
    tasks_.spawn(end(code));
    engine_.run();
    return code;
  }

  io::Task<> live() {
    const bool healthy = options_.wait_healthy_seconds == 0 || co_await every_pool_healthy();
    if (stop_.requested()) co_return;  // a signal came first; who took it ends the program
    if (!healthy) {
      fmt::print(stderr, "passerelle: error: NotHealthy: not every pool has a healthy member after {} s\n{}",
                 options_.wait_healthy_seconds, report());
      co_return co_await end(cli::exit_cannot_start);
    }
    ready_ = true;
    fmt::print(stderr, "passerelle: ready: gateway {} with {} worker{} on epoll{}\n",
               configuration_.gateway()->name, options_.workers, options_.workers == 1 ? "" : "s",
               options_.admin == "off" ? "" : ", admin http://" + admin_address_.to_string() + "/");
    io::notify_service_manager("READY=1");
    tasks_.spawn(configuration_.follow_error_pages(engine_, resolver_, stop_));
    tasks_.spawn(configuration_.follow_certificates(engine_, resolver_, *staples_, stop_));
    if (options_.watch) tasks_.spawn(configuration_.watch(engine_, stop_));
    co_await first_probes();
    if (!stop_.requested())
      fmt::print(stderr, "{}{}", report(), token_note_.empty() ? "" : "  " + token_note_ + "\n");
  }

  template <class Condition>
  io::Task<bool> wait_until(Condition condition, Duration most) {
    const TimePoint deadline = engine_.now() + most;
    while (!condition()) {
      if (engine_.now() >= deadline ||
          !co_await engine_.sleep(
              {std::min(deadline, engine_.now() + std::chrono::milliseconds(20)), &stop_}))
        break;
    }
    co_return condition();
  }

  io::Task<bool> every_pool_healthy() {
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

  io::Task<> first_probes() {
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

  std::string report() {
    std::vector<admin::ListenerAddresses> listeners;
    for (auto& open : data_plane_.open_listeners())
      listeners.push_back({open.listener, std::move(open.addresses)});
    const auto snapshot = data_plane_.snapshot();
    return admin::ready_report(*snapshot->gateway, snapshot->groups, listeners);
  }

  // On the signals' own thread: a second TERM ends the process even if an engine is stuck.
  void hear(int number) {
    if ((number == SIGTERM || number == SIGINT) && ++stop_signals_ > 1) ::_exit(cli::exit_done);
    engine_.post([this, number] { on_signal(number); });
  }

  void on_signal(int number) {
    if (number == SIGHUP) return ready_ && !stop_.requested() ? configuration_.reload("SIGHUP") : void();
    if (number == SIGUSR1) return access_sink_ ? access_sink_->reopen() : void();
    if (number == SIGUSR2)
      return events_.warning("upgrade", "handing over to a new binary is not supported yet; restart instead");
    stop_.request_stop();
    tasks_.spawn(drain());
  }

  io::Task<> drain() {
    ready_ = false;
    io::notify_service_manager("STOPPING=1");
    events_.info("shutdown", "draining for up to {} s", options_.drain_seconds);
    const bool drained =
        co_await data_plane_.drain({engine_.now() + std::chrono::seconds(options_.drain_seconds), nullptr});
    if (!drained) events_.warning("shutdown", "the drain time is over; what is still open is closed");
    co_await end(cli::exit_done);
  }

  io::Task<> end(int code) {
    if (std::exchange(ending_, true)) co_return;
    stop_.request_stop();
    ended_.request_stop();
    co_await admin_.stop();
    co_await data_plane_.stop();
    exit_code_ = code;
    while (tasks_.running() > 1) co_await engine_.yield();  // those that were waiting for the stop
    engine_.stop();
  }

  const cli::Options& options_;
  std::shared_ptr<telemetry::LineSink> access_sink_;
  io::SystemClock clock_;
  io::SystemRandom random_;
  std::shared_ptr<telemetry::LineSink> event_sink_;
  telemetry::EventLog events_;
  io::EpollEngine engine_;
  std::atomic<int> stop_signals_ = 0;
  io::Signals signals_;
  io::AresResolver resolver_;
  std::shared_ptr<tls::Staples> staples_ = std::make_shared<tls::Staples>();
  control::HttpClient client_{engine_, resolver_};
  proxy::DataPlane data_plane_;
  control::Configuration configuration_;
  std::string token_note_;
  admin::AdminPages pages_;
  http::Server admin_;
  io::TaskGroup tasks_;
  io::StopSource stop_;   // nothing new begins
  io::StopSource ended_;  // what is under way ends too
  Endpoint admin_address_;
  int exit_code_ = cli::exit_done;
  bool ready_ = false;
  bool ending_ = false;
};

int run_gateway(const cli::Options& options) {
  io::Signals::block(gateway_signals);
  io::raise_descriptor_limit();
  std::shared_ptr<telemetry::LineSink> sink;
  bool for_people = false;
  if (options.access_log == "-") {
    for_people = ::isatty(STDOUT_FILENO) == 1;
    sink = std::make_shared<telemetry::LineSink>(STDOUT_FILENO, "");
  } else if (options.access_log != "off") {
    const int descriptor =
        ::open(options.access_log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (descriptor < 0) {
      fmt::print(stderr, "{}: error: CannotWriteFile: the access log cannot be opened: {}\n",
                 options.access_log, std::strerror(errno));
      return cli::exit_cannot_start;
    }
    sink = std::make_shared<telemetry::LineSink>(descriptor, options.access_log);
  }
  Program program(options, std::move(sink), for_people);
  return program.run();
}

int run_backend(const cli::Options& options) {
  io::SystemClock clock;
  io::SystemRandom random;
  io::EpollEngine engine(clock, random);
  const io::Signals signals({SIGINT, SIGTERM}, [&](int) { engine.stop(); });
  cli::DemoBackend backend(engine, options.name.empty() ? "backend " + options.listen : options.name);
  auto listener = engine.listen(*Endpoint::parse(options.listen), {.reuse_port = false, .backlog = 1024});
  if (!listener) {
    fmt::print(stderr, "passerelle: error: cannot listen on {}: {}\n", options.listen,
               to_string(listener.error().kind));
    return cli::exit_cannot_start;
  }
  fmt::print(stderr, "passerelle: demo backend ready on http://{}/\n", (*listener)->local().to_string());
  backend.serve(std::move(*listener));
  engine.run();
  io::TaskGroup last(engine);
  const auto stop = [](cli::DemoBackend& which, io::Engine& on) -> io::Task<> {
    co_await which.stop();
    on.stop();
  };
  last.spawn(stop(backend, engine));
  engine.run();
  return cli::exit_done;
}

int main_with(const cli::Options& options) {
  switch (options.verb) {
    case cli::Verb::run: return run_gateway(options);
    case cli::Verb::init: return cli::init(options);
    case cli::Verb::check: return cli::check(options);
    case cli::Verb::explain: return cli::explain(options);
    case cli::Verb::backend: return run_backend(options);
    case cli::Verb::version: fmt::print("passerelle {}\n", version_text); return cli::exit_done;
  }
  return cli::exit_usage;
}

}  // namespace
}  // namespace passerelle

int main(int count, char** arguments) {
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  auto options = passerelle::cli::parse_options(count, arguments, cores);
  if (options) options->files.scope.now = static_cast<std::int64_t>(std::time(nullptr));
  return options ? passerelle::main_with(*options) : options.error();
}
