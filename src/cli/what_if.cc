#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "arm/json_reader.h"
#include "base/text.h"
#include "cli/admin_client.h"
#include "cli/verbs.h"
#include "control/behaviour.h"

namespace passerelle::cli {
namespace {

using control::BehaviourChange;
using control::TunnelsAfter;

std::string text_of(const arm::JsonValue& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr ? value->text : std::string();
}

// What the gateway says of itself.
struct Running {
  control::Behaviour behaviour;
  std::string salt;
  std::map<std::string, std::chrono::seconds> drains;
  std::vector<control::MemberTunnels> tunnels;
};

std::optional<Running> read(const std::string& text) {
  arm::ProblemList problems({"answer"});
  const auto root = arm::read_json(
      text, 0, problems, {.text_bytes_max = text.size() + 1, .strict = true, .members_max = text.size()});
  const auto* behaviour = root ? root->find("behaviour") : nullptr;
  if (behaviour == nullptr) return std::nullopt;
  Running out;
  out.salt = text_of(*root, "salt");
  for (const auto& subject : behaviour->members) {
    auto& facts = out.behaviour[subject.key];
    for (const auto& fact : subject.value.members) facts[fact.key] = fact.value.text;
  }
  if (const auto* drains = root->find("drains")) {
    for (const auto& each : drains->members)
      out.drains[each.key] = std::chrono::seconds(parse_decimal<std::uint32_t>(each.value.text).value_or(0));
  }
  if (const auto* tunnels = root->find("tunnels")) {
    for (const auto& each : tunnels->items) {
      const auto* tls = each.find("tls");
      const auto* here = each.find("here");
      out.tunnels.push_back({text_of(each, "pool"), text_of(each, "backendSettings"), text_of(each, "name"),
                             text_of(each, "address"), tls != nullptr && tls->boolean,
                             here == nullptr || here->boolean,
                             parse_decimal<std::uint64_t>(text_of(each, "tunnels")).value_or(0)});
    }
  }
  return out;
}

// 12,431
std::string grouped(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

void print_tunnels(const TunnelsAfter& after) {
  std::uint64_t closing = 0;
  for (const auto& [over, count] : after.ended_by_update) closing += count;
  std::string line = fmt::format("{} of {} tunnel{} close{}", grouped(closing), grouped(after.open),
                                 after.open == 1 ? "" : "s", closing == 1 ? "s" : "");
  for (const auto& [over, count] : after.ended_by_update)
    line += fmt::format("; {} of them after {} s, as azureParity.updateDrainsTunnels asks", grouped(count),
                        over.count());
  for (const auto& each : after.leaving) {
    const bool one = each.of.tunnels == 1;
    line += fmt::format("; {} {} on a member that leaves ({}) and {}", grouped(each.of.tunnels),
                        one ? "is" : "are", each.of.address,
                        each.over ? fmt::format("drain{} for {} s", one ? "s" : "", each.over->count())
                        : one     ? "stays, for its settings do not drain"
                                  : "stay, for its settings do not drain");
  }
  fmt::print("{}\n", line);
}

void print_changes(const std::vector<BehaviourChange>& changes) {
  if (changes.empty()) return fmt::print("nothing behaves otherwise\n");
  std::string_view subject;
  for (const BehaviourChange& change : changes) {
    if (change.property.empty()) {
      fmt::print("{} {}\n", change.before ? "-" : "+", change.subject);
      subject = {};
      continue;
    }
    if (subject != change.subject) fmt::print("~ {}\n", change.subject);
    subject = change.subject;
    if (change.before && change.after)
      fmt::print("    {}: {} -> {}\n", change.property, *change.before, *change.after);
    else
      fmt::print("  {} {}: {}\n", change.before ? "-" : "+", change.property,
                 change.before ? *change.before : *change.after);
  }
}

}  // namespace

int what_if(const Options& options) {
  control::FileSource source(options.files);
  const auto loaded = source.load();
  for (const Problem& problem : loaded.problems) {
    if (problem.severity == Severity::error || !loaded.gateway)
      fmt::print(stderr, "{}\n", problem.to_string());
  }
  if (!loaded.gateway) {
    fmt::print(stderr, "passerelle: this configuration would be refused, and nothing would change\n");
    return exit_configuration;
  }
  AdminClient client(options);
  const auto answer = client.get("/api/v1/behaviour");
  if (!answer) return answer.error();
  const auto running = read(*answer);
  if (!running) {
    fmt::print(stderr, "passerelle: error: NoGateway: what answers at {} is no gateway\n", options.admin);
    return exit_cannot_start;
  }
  const auto after = control::tunnels_after(running->tunnels, running->drains, *loaded.gateway);
  const auto changes =
      control::compare(running->behaviour, control::describe(*loaded.gateway, running->salt));
  if (options.format == "json") {
    fmt::print("{}\n", control::to_json(after, changes));
  } else {
    print_tunnels(after);
    print_changes(changes);
  }
  return exit_done;
}

}  // namespace passerelle::cli
