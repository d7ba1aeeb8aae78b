#include "policy/explanation/explain.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>

#include "base/text.h"
#include "cli/verbs.h"

namespace passerelle::cli {
namespace {

using policy::Explanation;

void print_text(const Explanation& e) {
  if (!e.listener.empty()) fmt::print("listener   {}\n", e.listener);
  if (!e.rule.empty()) fmt::print("rule       {}\n", e.rule);
  if (!e.path_rule.empty()) fmt::print("path rule  {}\n", e.path_rule);
  if (e.action == "reject" && e.status == 0) {
    fmt::print("no answer  {}\n", e.why);
  } else if (e.action == "reject") {
    fmt::print("answer     {}: {}\n", e.status, e.why);
  } else if (e.action == "redirect") {
    fmt::print("answer     {} to {}\n", e.status, e.location);
  } else {
    fmt::print("pool       {} with {}\n", e.pool, e.settings);
    for (const auto& member : e.members)
      fmt::print("  member   {}\n",
                 member.port == 0 ? member.address : fmt::format("{}:{}", member.address, member.port));
    fmt::print("the member gets\n  {} {} HTTP/1.1\n", e.method, e.path);
    for (const Explanation::Header& header : e.headers) fmt::print("  {}: {}\n", header.name, header.value);
  }
  if (!e.considered.empty()) fmt::print("passed over\n");
  for (const auto& passed : e.considered) {
    fmt::print("  {}{}: {}\n", passed.path_rule.empty() ? "listener " : "path rule ",
               passed.path_rule.empty() ? passed.listener : passed.path_rule, passed.reason);
  }
}

// KEY=VALUE: a key of the JSON form, or "header.NAME". The exit code.
int check_expectations(const Explanation& e, const std::vector<std::string>& expectations) {
  const std::map<std::string, std::string, std::less<>> facts = {
      {"listener", e.listener},
      {"rule", e.rule},
      {"pathRule", e.path_rule},
      {"action", e.action},
      {"status", e.status == 0 ? "" : std::to_string(e.status)},
      {"pool", e.pool},
      {"backendSettings", e.settings},
      {"location", e.location},
      {"method", e.method},
      {"host", e.host},
      {"path", e.path}};
  int code = exit_done;
  for (const std::string& expectation : expectations) {
    const auto [key, wanted] = split_once(expectation, '=');
    std::string found;
    if (starts_with_ignoring_case(key, "header.")) {
      for (const Explanation::Header& header : e.headers) {
        if (equals_ignoring_case(header.name, key.substr(7))) found = header.value;
      }
    } else if (const auto fact = facts.find(key); fact != facts.end()) {
      found = fact->second;
    } else {
      fmt::print(stderr,
                 "passerelle: --expect knows listener, rule, pathRule, action, status, pool, "
                 "backendSettings, location, method, "
                 "host, path and header.NAME, not '{}'\n",
                 key);
      return exit_usage;
    }
    if (found == wanted) continue;
    fmt::print(stderr, "passerelle: expected {} {}, found {}\n", key, wanted, found.empty() ? "none" : found);
    code = exit_configuration;
  }
  return code;
}

}  // namespace

int explain(const Options& options) {
  auto question = policy::Question::of_url(options.url);
  if (!question) {
    fmt::print(stderr, "passerelle: '{}' is no URL; write http://host/path, https://, ws:// or wss://\n",
               options.url);
    return exit_usage;
  }
  question->method = options.method;
  question->headers = options.headers;
  question->from = options.from;
  control::FileSource source(options.files);
  const arm::Loaded loaded = source.load();
  if (!loaded.gateway) {
    for (const Problem& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.to_string());
    return exit_configuration;
  }
  const Explanation explanation = policy::explain(*loaded.gateway, *question);
  if (options.format == "json")
    fmt::print("{}\n", policy::to_json(explanation));
  else
    print_text(explanation);
  return check_expectations(explanation, options.expectations);
}

}  // namespace passerelle::cli
