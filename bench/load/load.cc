// A load of WebSocket or HTTP clients on one thread; prints what it measured as one line of JSON.
#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <memory>
#include <vector>

#include "client.h"
#include "sockets.h"

namespace bench {
namespace {

constexpr std::chrono::seconds opening_time_max{60};

std::unique_ptr<Client> make_client(Load& load, unsigned index) {
  const Plan& plan = load.plan;
  if (plan.http2) return make_http2_client(load);
  if (plan.mode == "http" || plan.mode == "churn") return make_http_client(load);
  return make_websocket_client(load, plan.talkers == 0 || index < plan.talkers);
}

unsigned opened_when_ready(const Plan& plan) { return plan.connections * (plan.http2 ? plan.streams : 1); }

// Until standard input ends: somebody looks at the gateway meanwhile.
void hold(Loop& loop) {
  std::puts("ready");
  std::fflush(stdout);
  pollfd input{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
  while (::poll(&input, 1, 0) == 0) loop.turn(Clock::now() + std::chrono::milliseconds(50));
}

int run(const Plan& plan) {
  Loop loop;
  Recorder recorder(plan);
  const TlsContext tls = plan.tls ? client_tls(plan.http2 ? "h2" : "") : nullptr;
  Load load{plan, loop, recorder, tls.get()};
  std::vector<std::unique_ptr<Client>> clients;
  const auto give_up = Clock::now() + opening_time_max;
  while (recorder.open() < opened_when_ready(plan)) {
    while (clients.size() < plan.connections && load.opening < opening_max) {
      clients.push_back(make_client(load, static_cast<unsigned>(clients.size())));
      clients.back()->open();
    }
    if (recorder.failures() > 0) die("a connection could not be opened: " + recorder.why());
    if (Clock::now() > give_up)
      die(fmt::format("only {} connections are open after a minute", recorder.open()));
    loop.turn(give_up);
  }
  if (plan.mode == "idle") {
    hold(loop);
    return 0;
  }
  const auto wait = [&](double seconds) {
    const auto until =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    while (Clock::now() < until) loop.turn(until);
  };
  wait(plan.warm_up_seconds);
  recorder.begin();
  wait(plan.seconds);
  recorder.end();
  std::puts(recorder.json().c_str());
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  bench::Plan plan;
  CLI::App app("A load of WebSocket or HTTP clients; prints what it measured as one line of JSON.");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  app.add_option("address", plan.address, "where the gateway listens, like 127.0.0.1:8080")->required();
  app.add_option("--mode", plan.mode,
                 "echo, one-way, handshake, idle (until standard input ends), http, churn")
      ->check(CLI::IsMember({"echo", "one-way", "handshake", "idle", "http", "churn"}));
  app.add_option("--host", plan.host);
  app.add_option("--path", plan.path);
  app.add_option("--connections", plan.connections)->check(CLI::PositiveNumber);
  app.add_option("--talkers", plan.talkers, "how many of them say something; all, by default");
  app.add_option("--streams", plan.streams, "WebSockets an HTTP/2 connection")->check(CLI::PositiveNumber);
  app.add_option("--payload", plan.payload_bytes, "bytes a message");
  app.add_option("--depth", plan.depth, "messages under way a connection")->check(CLI::PositiveNumber);
  app.add_option("--headers", plan.headers, "fields more a request");
  app.add_option("--seconds", plan.seconds);
  app.add_option("--warm-up", plan.warm_up_seconds);
  app.add_flag("--tls", plan.tls);
  app.add_flag("--http2", plan.http2, "WebSockets by extended CONNECT (RFC 8441)");
  app.add_option("--watch", plan.watched, "processes whose time on the processor is told for each operation")
      ->delimiter(',')
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  CLI11_PARSE(app, argc, argv);
  plan.to = bench::parse_address(plan.address);
  std::signal(SIGPIPE, SIG_IGN);
  bench::allow_many_descriptors();
  return bench::run(plan);
}
