#include "control/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace passerelle::control {
namespace {

constexpr std::chrono::milliseconds watch_interval{500};

}  // namespace

Configuration::Outcome Configuration::load(Problems& problems) {
  auto loaded = source_.load();
  problems = std::move(loaded.problems);
  if (!loaded.gateway) return Outcome::invalid;
  find_affinity_key(*loaded.gateway, problems);
  std::shared_ptr<const model::Gateway> gateway = std::move(loaded.gateway);
  const Problems refused = activation_.prepare(gateway);
  problems.insert(problems.end(), refused.begin(), refused.end());
  if (has_errors(refused)) return Outcome::cannot_start;
  activation_.commit();
  gateway_ = std::move(gateway);
  ++version_;
  return Outcome::taken;
}

void Configuration::find_affinity_key(model::Gateway& gateway, Problems& problems) {
  const bool asked = std::ranges::any_of(
      gateway.groups, [](const auto& group) { return !group.settings.affinity_cookie.empty(); });
  if (!asked || !gateway.options.affinity_key.empty()) return;
  if (made_key_.empty()) {
    if (auto key = state_.secret("affinity.key", random_)) {
      gateway.options.affinity_key = std::move(*key);
      return;
    } else {
      problems.push_back({{},
                          Severity::warning,
                          "NoAffinityKey",
                          fmt::format("the key of affinity cookies cannot be kept, so clients change members "
                                      "at the next start: {}; or give \"affinityKey\" in the local file",
                                      key.error()),
                          {}});
    }
    std::array<char, 32> bytes{};
    random_.fill({bytes.data(), bytes.size()});
    made_key_.assign(bytes.data(), bytes.size());
  }
  gateway.options.affinity_key = made_key_;
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
