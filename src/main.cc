// From the command line to the verb.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <expected>
#include <thread>

#include "cli/demo_backend.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "io/descriptor_limit.h"
#include "io/epoll_engine.h"
#include "io/signals.h"
#include "io/system_clock.h"
#include "program/privileges.h"
#include "program/program.h"
#include "telemetry/line_sink.h"

namespace passerelle {
namespace {

constexpr const char* version_text = "0.1.0";

// Null: off. The error is a line to print.
std::expected<std::unique_ptr<telemetry::LineTarget>, std::string> access_log_target(const std::string& to) {
  if (to == "off") return nullptr;
  if (to == "-") return std::make_unique<telemetry::FileTarget>(STDOUT_FILENO, "");
  if (telemetry::is_syslog(to)) {
    auto syslog = telemetry::open_syslog(to);
    if (!syslog) return std::unexpected("passerelle: error: NoSyslog: " + syslog.error());
    return std::move(*syslog);
  }
  const int descriptor = ::open(to.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor < 0)
    return std::unexpected(fmt::format("{}: error: CannotWriteFile: the access log cannot be opened: {}", to,
                                       std::strerror(errno)));
  return std::make_unique<telemetry::FileTarget>(descriptor, to);
}

int run_gateway(const cli::Options& options, program::CommandLine command_line) {
  // While root's rights are there to do it.
  io::raise_descriptor_limit();
  const auto note = program::give_up_root(options.user, options.state);
  if (!note) {
    fmt::print(stderr, "passerelle: error: CannotChangeUser: {}\n", note.error());
    return cli::exit_cannot_start;
  }
  program::Program::block_signals();
  const bool to_stdout = options.access_log == "-";
  auto target = access_log_target(options.access_log);
  if (!target) {
    fmt::print(stderr, "{}\n", target.error());
    return cli::exit_cannot_start;
  }
  telemetry::AccessLogSettings access_log{.for_people = to_stdout && ::isatty(STDOUT_FILENO) == 1,
                                          .share = options.access_log_share};
  if (*target) access_log.sink = std::make_shared<telemetry::LineSink>(std::move(*target), true);
  program::Program program(options, std::move(command_line), std::move(access_log), *note);
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

int main_with(const cli::Options& options, program::CommandLine command_line) {
  switch (options.verb) {
    case cli::Verb::run: return run_gateway(options, std::move(command_line));
    case cli::Verb::init: return cli::init(options);
    case cli::Verb::check: return cli::check(options);
    case cli::Verb::explain: return cli::explain(options);
    case cli::Verb::what_if: return cli::what_if(options);
    case cli::Verb::tunnels: return cli::tunnels(options);
    case cli::Verb::upgrade: return cli::upgrade(options);
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
  if (!options) return options.error();
  return passerelle::main_with(*options, passerelle::program::CommandLine::of(count, arguments));
}
