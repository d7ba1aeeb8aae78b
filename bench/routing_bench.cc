// What a route costs, by how many listeners and path rules there are: the curve of
// docs/performance/routing.md.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/host_pattern.h"
#include "model/gateway.h"
#include "policy/decision/decide.h"
#include "policy/decision/route.h"
#include "protocol/http1/head_parser.h"

namespace {

using namespace passerelle;

constexpr std::size_t hosts_asked = 64;

// Listeners on one port, every third with a wildcard, each with a rule and a path map.
model::Gateway make_gateway(std::size_t listeners, std::size_t path_rules) {
  model::Gateway out;
  out.groups.emplace_back();
  out.groups[0].targets.push_back({});
  out.frontends.push_back({"front:80", {}, 80, false, {}, {}, {}});
  for (std::size_t i = 0; i < listeners; ++i) {
    const std::string name =
        i % 3 == 0 ? fmt::format("*.site{}.example.com", i) : fmt::format("www.site{}.example.com", i);
    out.listeners.push_back({fmt::format("listener{}", i), 0, {name}, {}, i, {}});
    model::Rule rule;
    rule.name = fmt::format("rule{}", i);
    rule.listener = i;
    rule.path_map = "map";
    rule.otherwise = {out.destinations++, 0};
    for (std::size_t p = 0; p < path_rules; ++p) {
      model::PathRule each;
      each.paths = {model::make_path_pattern(fmt::format("/application{}/images/*", p)),
                    model::make_path_pattern(fmt::format("/application{}/video", p))};
      each.to = {out.destinations++, 0};
      rule.path_rules.push_back(std::move(each));
    }
    out.rules.push_back(std::move(rule));
    out.frontends[0].listeners.push_back(i);
  }
  model::build_indexes(out);
  return out;
}

struct Asked {
  std::string host, path;
};

std::vector<Asked> make_requests(std::size_t listeners, std::size_t path_rules) {
  std::vector<Asked> out;
  for (std::size_t i = 0; i < hosts_asked; ++i) {
    const std::size_t site = i * 7919 % listeners, rule = path_rules == 0 ? 0 : i * 104729 % path_rules;
    out.push_back({fmt::format("www.site{}.example.com", site),
                   fmt::format("/application{}/images/a/picture.png", rule)});
  }
  return out;
}

struct Case {
  model::Gateway gateway;
  std::vector<Asked> requests;
};

Case make_case(const benchmark::State& state) {
  const auto listeners = static_cast<std::size_t>(state.range(0));
  const auto path_rules = static_cast<std::size_t>(state.range(1));
  return {make_gateway(listeners, path_rules), make_requests(listeners, path_rules)};
}

void route(benchmark::State& state) {
  const auto [gateway, requests] = make_case(state);
  std::size_t i = 0;
  for (auto _ : state) {
    const Asked& asked = requests[i++ % hosts_asked];
    benchmark::DoNotOptimize(policy::route(gateway, 0, {asked.host, asked.path}));
  }
}
BENCHMARK(route)
    ->ArgNames({"listeners", "path_rules"})
    ->ArgsProduct({{1, 10, 50, 100, 200, 400, 1000}, {0, 10, 100}});

// The same by asking each in turn, as routing did before: what the index spares.
void route_in_turn(benchmark::State& state) {
  const auto [gateway, requests] = make_case(state);
  std::size_t i = 0;
  for (auto _ : state) {
    const Asked& asked = requests[i++ % hosts_asked];
    const model::PathRule* found = nullptr;
    for (const model::Listener& listener : gateway.listeners) {
      if (!host_matches(listener.host_names[0], asked.host)) continue;
      for (const auto& rule : gateway.rules[*listener.rule].path_rules) {
        if (model::path_matches(rule.paths[0], asked.path) ||
            model::path_matches(rule.paths[1], asked.path)) {
          found = &rule;
          break;
        }
      }
      break;
    }
    benchmark::DoNotOptimize(found);
  }
}
BENCHMARK(route_in_turn)
    ->ArgNames({"listeners", "path_rules"})
    ->ArgsProduct({{1, 10, 50, 200, 1000}, {0, 100}});

// The whole decision of an ordinary request: judged, routed, the member's head made.
void decide(benchmark::State& state) {
  const model::Gateway gateway = make_gateway(200, 100);
  const std::string text =
      "GET /application42/images/a/picture.png?x=1 HTTP/1.1\r\nHost: www.site77.example.com\r\nUser-Agent: "
      "Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,application/xhtml+xml\r\nAccept-Language: "
      "en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nCookie: session=0123456789abcdef\r\n\r\n";
  MessageHead request;
  http1::HeadParser parser(http1::HeadKind::request);
  if (!parser.feed(text, Limits{}, request)) state.SkipWithError("the request cannot be read");
  const std::vector<std::uint16_t> ports = {80};
  const policy::ClientFacts client{"192.0.2.1", 1234, false};
  const Limits limits;
  policy::Decision decision;
  for (auto _ : state) {
    decision.clear();
    policy::decide(decision,
                   {gateway, 0, request, limits, client, "0123456789abcdef0123456789abcdef", ports});
    benchmark::DoNotOptimize(decision.group);
  }
}
BENCHMARK(decide);

}  // namespace

BENCHMARK_MAIN();
