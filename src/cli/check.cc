#include <fmt/format.h>

#include <cstdio>

#include "cli/verbs.h"

namespace passerelle::cli {
namespace {

void print_model(const model::Gateway& gateway) {
  fmt::print("gateway {}\n", gateway.name);
  for (model::Index i = 0; i < gateway.listeners.size(); ++i) {
    const model::Listener& listener = gateway.listeners[i];
    fmt::print("  listener {} {} port {}", listener.name, listener.tls ? "https" : "http", listener.port);
    for (const Endpoint& bind : listener.binds) fmt::print(" {}", bind.to_string());
    const model::Rule* rule = gateway.rule_of(i);
    if (rule == nullptr) {
      fmt::print("\n");
      continue;
    }
    const model::BackendGroup& group = gateway.groups[rule->group];
    fmt::print("\n    rule {} -> pool {} with {} ({} port {}, requestTimeout {} s, probe {})\n", rule->name,
               group.pool, group.settings_name, group.settings.https ? "https" : "http", group.settings.port,
               group.settings.request_timeout.count(), group.settings.probe.name);
    for (const model::Target& target : group.targets) {
      fmt::print(
          "      {} at {}\n", target.name,
          target.address ? target.address->to_string() : fmt::format("{}:{}", target.host, target.port));
    }
  }
}

}  // namespace

int check(const Options& options) {
  control::FileSource source(options.files);
  const arm::Loaded loaded = source.load();
  if (options.format == "json") {
    std::string out = "[";
    for (const Problem& problem : loaded.problems) {
      if (out.size() > 1) out += ",\n ";
      problem.append_json(out);
    }
    fmt::print("{}]\n", out);
  } else {
    std::size_t errors = 0;
    for (const Problem& problem : loaded.problems) {
      fmt::print("{}\n", problem.to_string());
      errors += problem.severity == Severity::error ? 1 : 0;
    }
    if (errors == 0 && loaded.gateway) {
      fmt::print(stderr, "passerelle: '{}' can run: {} listener{}, {} rule{}, {} warning{}\n",
                 loaded.gateway->name, loaded.gateway->listeners.size(),
                 loaded.gateway->listeners.size() == 1 ? "" : "s", loaded.gateway->rules.size(),
                 loaded.gateway->rules.size() == 1 ? "" : "s", loaded.problems.size(),
                 loaded.problems.size() == 1 ? "" : "s");
    } else {
      fmt::print(stderr, "passerelle: {} error{} to mend\n", errors, errors == 1 ? "" : "s");
    }
  }
  if (loaded.gateway && options.print == "model") print_model(*loaded.gateway);
  return loaded.gateway ? exit_done : exit_configuration;
}

}  // namespace passerelle::cli
