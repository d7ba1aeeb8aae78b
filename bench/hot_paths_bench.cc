// What the steps of a request and of a message cost in this process: parser, head writer, rewrite, frame
// observer, balancer. ./dev bench hot_paths_instructions counts their instructions, which do not vary.
#include <benchmark/benchmark.h>

#include <atomic>
#include <cstdlib>
#include <string>

#include "model/rewrite.h"
#include "policy/balancing/balancing.h"
#include "policy/decision/forward.h"
#include "policy/rewrite/rewriter.h"
#include "protocol/http1/head_parser.h"
#include "protocol/http1/head_writer.h"
#include "protocol/websocket/frame_observer.h"

namespace {

using namespace passerelle;

// As many times as asked for, where somebody counts.
void counted(benchmark::internal::Benchmark* bench) {
  if (const char* iterations = std::getenv("PASSERELLE_ITERATIONS")) bench->Iterations(std::atol(iterations));
}

std::string request_with(int more_fields) {
  std::string out =
      "GET /images/picture.png?size=2 HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; "
      "Linux "
      "x86_64)\r\nAccept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\n";
  for (int i = 0; i < more_fields; ++i)
    out += "X-Request-Header-" + std::to_string(i) + ": a value of ordinary length\r\n";
  return out + "\r\n";
}

MessageHead parse(std::string_view text) {
  MessageHead head;
  if (!http1::HeadParser(http1::HeadKind::request).feed(text, Limits(), head)) std::abort();
  return head;
}

void BM_ParseHead(benchmark::State& state) {
  const std::string text = request_with(static_cast<int>(state.range(0)));
  const Limits limits;
  MessageHead head;
  http1::HeadParser parser(http1::HeadKind::request);
  for (auto _ : state) {
    head.clear();
    parser.reset();
    benchmark::DoNotOptimize(parser.feed(text, limits, head));
  }
}
BENCHMARK(BM_ParseHead)->Arg(0)->Arg(32)->Apply(counted);

void BM_MakeRequestForMember(benchmark::State& state) {
  const MessageHead head = parse(request_with(static_cast<int>(state.range(0))));
  const auto target = http1::request_target(head);
  MessageHead out;
  std::string bytes;
  for (auto _ : state) {
    out.clear();
    bytes.clear();
    policy::make_request(out, head, *target, {},
                         {"192.0.2.7", 50007, false, 80, "0123456789abcdef0123456789abcdef"});
    http1::append_request_head(bytes, out);
    benchmark::DoNotOptimize(bytes.data());
  }
}
BENCHMARK(BM_MakeRequestForMember)->Arg(0)->Arg(32)->Apply(counted);

void BM_ObserveFrame(benchmark::State& state) {
  std::string frame("\x82\xc0mask", 6);
  frame.resize(6 + 64, 'm');
  websocket::FrameObserver observer;
  for (auto _ : state) observer.observe(frame);
  benchmark::DoNotOptimize(observer.close_seen());
}
BENCHMARK(BM_ObserveFrame)->Apply(counted);

void BM_ObserveManySmallFrames(benchmark::State& state) {
  std::string frames;
  for (int i = 0; i < 100; ++i) frames += std::string("\x81\x84maskabcd", 10);
  websocket::FrameObserver observer;
  for (auto _ : state) observer.observe(frames);
  benchmark::DoNotOptimize(observer.close_seen());
}
BENCHMARK(BM_ObserveManySmallFrames)->Apply(counted);

void BM_Rewrite(benchmark::State& state) {
  const MessageHead head = parse(request_with(0));
  const auto target = http1::request_target(head);
  // A condition that holds, a field with a variable in it, and one that goes.
  model::RewriteSet set{"set", {}};
  model::RewriteRule rule;
  rule.name = "rule";
  rule.conditions.push_back({.variable = *model::parse_rewrite_variable("var_uri_path"),
                             .pattern = *Pattern::make("^/images/(.*)$", false)});
  rule.captures = 2;
  rule.request_fields.push_back(
      {"X-Picture",
       {{{.literal = "of ", .variable = {}, .capture = {}}, {.literal = {}, .variable = {}, .capture = 1}}},
       {}});
  rule.request_fields.push_back({"Accept-Language", {}, {}});
  set.rules.push_back(std::move(rule));
  const policy::ClientFacts client{.ip = "192.0.2.7", .port = 50007};
  const policy::RewriteFacts facts{&client, &head, &*target, 80, 0, 0};
  policy::Rewriter rewriter;
  MessageHead out;
  for (auto _ : state) {
    out.clear();
    policy::make_request(out, head, *target, {},
                         {"192.0.2.7", 50007, false, 80, "0123456789abcdef0123456789abcdef"});
    rewriter.clear();
    rewriter.set_url(target->path, target->query);
    benchmark::DoNotOptimize(rewriter.rewrite_request(set, facts, out));
  }
}
BENCHMARK(BM_Rewrite)->Apply(counted);

void BM_RoundRobin(benchmark::State& state) {
  const auto members = static_cast<std::size_t>(state.range(0));
  std::atomic<std::uint64_t> turn = 0;
  const auto up = [](std::size_t) { return true; };
  for (auto _ : state) benchmark::DoNotOptimize(policy::round_robin(members, policy::Weights(), turn, up));
}
BENCHMARK(BM_RoundRobin)->Arg(2)->Arg(100)->Apply(counted);

}  // namespace

BENCHMARK_MAIN();
