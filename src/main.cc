// From the command line to the verb.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <thread>

#include "cli/demo_backend.h"
#include "cli/options.h"
#include "cli/verbs.h"
#include "io/descriptor_limit.h"
#include "io/epoll_engine.h"
#include "io/signals.h"
#include "io/system_clock.h"
#include "program/program.h"
#include "telemetry/line_sink.h"

namespace passerelle {
namespace {

constexpr const char* version_text = "0.1.0";

int run_gateway(const cli::Options& options, program::CommandLine command_line) {
  program::Program::block_signals();
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
  program::Program program(options, std::move(command_line), std::move(sink), for_people);
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
