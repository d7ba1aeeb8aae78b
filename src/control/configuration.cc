#include "control/configuration.h"

namespace passerelle::control {
namespace {

constexpr std::chrono::milliseconds watch_interval{500};

}  // namespace

Configuration::Outcome Configuration::load(Problems& problems) {
  auto loaded = source_.load();
  problems = std::move(loaded.problems);
  if (!loaded.gateway) return Outcome::invalid;
  std::shared_ptr<const model::Gateway> gateway = std::move(loaded.gateway);
  const Problems refused = activation_.prepare(gateway);
  problems.insert(problems.end(), refused.begin(), refused.end());
  if (has_errors(refused)) return Outcome::cannot_start;
  activation_.commit();
  gateway_ = std::move(gateway);
  ++version_;
  return Outcome::taken;
}

void Configuration::reload(std::string_view why) {
  Problems problems;
  const Outcome outcome = load(problems);
  for (const Problem& problem : problems) {
    if (problem.severity == Severity::error)
      events_.error("configuration", "{}", problem.to_string());
    else
      events_.debug("configuration", "{}", problem.to_string());
  }
  if (outcome == Outcome::taken)
    events_.info("configuration", "version {} is in force ({})", version_, why);
  else
    events_.error("configuration", "the configuration is refused ({}); version {} stays in force", why,
                  version_);
}

io::Task<> Configuration::watch(io::Engine& engine, io::StopSource& stop) {
  std::string seen = source_.fingerprint();
  while (co_await engine.sleep(engine.in(watch_interval, stop))) {
    const std::string now = source_.fingerprint();
    if (now == seen) continue;
    // A file still being written is left alone until it rests.
    if (!co_await engine.sleep(engine.in(watch_interval / 5, stop))) co_return;
    if (source_.fingerprint() != now) continue;
    reload("a file changed");
    seen = source_.fingerprint();
  }
}

}  // namespace passerelle::control
