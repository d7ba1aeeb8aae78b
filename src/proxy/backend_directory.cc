#include "proxy/backend_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "policy/affinity/affinity.h"

namespace passerelle::proxy {
namespace {

constexpr std::chrono::seconds retry_after_failure{5};
constexpr std::chrono::seconds ttl_min{1};
constexpr std::chrono::seconds ttl_max{300};

// What a coroutine and the resolver's thread share: whoever comes last finds the other gone.
struct Answer {
  std::optional<Result<io::Resolution>> value;
  io::StopSource arrived;
};

}  // namespace

BackendDirectory::BackendDirectory(io::Engine& engine, io::Resolver& resolver, telemetry::EventLog& events,
                                   std::function<void()> on_change)
    : engine_(engine),
      resolver_(resolver),
      events_(events),
      on_change_(std::move(on_change)),
      tasks_(engine) {}

void BackendDirectory::set_gateway(const model::Gateway& gateway) {
  std::set<std::string> wanted;
  for (const auto& group : gateway.groups) {
    for (const auto& target : group.targets) {
      if (!target.address) wanted.insert(target.host);
    }
  }
  for (auto& [host, name] : names_) {
    if (wanted.contains(host) || !name->stop) continue;
    name->stop
        ->request_stop();  // the answer stays, should the name come back; the stop source stays for its task
  }
  for (const std::string& host : wanted) {
    auto& name = names_[host];
    if (!name) name = std::make_unique<Name>();
    if (name->stop && !name->stop->requested()) continue;
    if (name->stop && tasks_.running() > 0) {
      // Its former task may still be unwinding under the old source.
      retired_.push_back(std::move(name->stop));
    }
    name->stop = std::make_unique<io::StopSource>(&tasks_.stop_source());
    tasks_.spawn(follow(host, *name->stop));
  }
}

io::Task<> BackendDirectory::follow(std::string host, io::StopSource& stop) {
  while (!stop.requested()) {
    auto answer = std::make_shared<Answer>();
    resolver_.resolve(host, [answer, &engine = engine_](Result<io::Resolution> got) {
      engine.post([answer, got = std::move(got)] {
        answer->value = got;
        answer->arrived.request_stop();
      });
    });
    // Woken by the answer, or looked at twice a second in case our own stop came first.
    while (!answer->value && !stop.requested()) {
      (void)co_await engine_.sleep(engine_.in(std::chrono::milliseconds(500), answer->arrived));
    }
    if (stop.requested()) co_return;
    Name& name = *names_.at(host);
    Duration next = retry_after_failure;
    if (*answer->value) {
      const io::Resolution& resolution = **answer->value;
      next = std::clamp<std::chrono::seconds>(resolution.ttl, ttl_min, ttl_max);
      name.told = false;
      if (name.addresses != resolution.addresses) {
        name.addresses = resolution.addresses;
        events_.info("dns", "{} has {} address{}", host, name.addresses.size(),
                     name.addresses.size() == 1 ? "" : "es");
        on_change_();
      }
    } else if (!std::exchange(name.told, true)) {
      events_.warning(
          "dns", "{} cannot be resolved ({}){}", host, answer->value->error().what,
          name.addresses.empty() ? "; it has no member until it can" : "; its last addresses are kept");
    }
    (void)co_await engine_.sleep(engine_.in(next, stop));
  }
}

std::vector<board::Group> BackendDirectory::groups(const model::Gateway& gateway) {
  std::vector<board::Group> out;
  std::map<std::string, Memory> memories;  // of groups that still are; others are forgotten
  for (const auto& group : gateway.groups) {
    board::Group& made = out.emplace_back();
    const std::string key =
        fmt::format("{}{}~{}", group.is_policy ? "policy " : "", group.pool, group.settings_name);
    Memory& memory = memories[key];
    if (const auto known = memories_.find(key); known != memories_.end()) memory = std::move(known->second);
    if (!memory.turn) memory.turn = made.turn;
    made.turn = memory.turn;
    for (const auto& target : group.targets) {
      std::vector<Endpoint> endpoints;
      if (target.address) {
        endpoints.push_back(*target.address);
      } else if (const auto found = names_.find(target.host); found != names_.end()) {
        for (const IpAddress& ip : found->second->addresses) endpoints.push_back({ip, target.port, {}});
      }
      for (const Endpoint& endpoint : endpoints) {
        made.members.push_back(members_.get(target.name, endpoint, target.tls, group.settings_name));
        if (group.is_policy) made.weights.push_back(target.weight);
        if (group.settings.affinity_cookie.empty()) continue;
        const std::string one_of_several = target.address ? std::string() : endpoint.ip.to_string();
        made.affinity.push_back(
            policy::affinity_value(gateway.options.affinity_key, target.identity + "|" + one_of_several));
      }
    }
    note_leaving(memory, made, group.settings);
  }
  memories_ = std::move(memories);
  return out;
}

// Who was here and is not any more leaves: with connection draining, slowly (section 8.3).
void BackendDirectory::note_leaving(Memory& memory, board::Group& group,
                                    const model::BackendSettings& settings) {
  const std::set<std::shared_ptr<board::Member>> here(group.members.begin(), group.members.end());
  const auto is_here = [&](const board::Group::Leaving& each) { return here.contains(each.member); };
  if (settings.drain_timeout) {
    for (auto& each : memory.before) {
      if (is_here(each)) continue;
      memory.leaving.push_back({each, engine_.now() + *settings.drain_timeout});
      tasks_.spawn(forget_later(*settings.drain_timeout));
    }
  }
  memory.before.clear();
  for (std::size_t i = 0; i < group.members.size(); ++i)
    memory.before.push_back({group.members[i], group.affinity.empty() ? std::string() : group.affinity[i]});
  std::erase_if(memory.leaving, [&](const Memory::Leaving& each) {
    return engine_.now() >= each.until || is_here(each.who);
  });
  for (const Memory::Leaving& each : memory.leaving) group.leaving.push_back(each.who);
}

io::Task<> BackendDirectory::forget_later(Duration after) {
  if (co_await engine_.sleep(engine_.in(after, tasks_.stop_source()))) on_change_();
}

void BackendDirectory::save(BinaryWriter& out) const {
  members_.save(out);
  out.number(static_cast<std::uint32_t>(names_.size()));
  for (const auto& [host, name] : names_) {
    out.text(host).number(static_cast<std::uint32_t>(name->addresses.size()));
    for (const IpAddress& address : name->addresses) out.text(address.to_string());
  }
}

void BackendDirectory::restore(BinaryReader& in) {
  members_.restore(in);
  for (auto left = in.number<std::uint32_t>(); left > 0 && in.ok(); --left) {
    auto name = std::make_unique<Name>();
    const std::string host(in.text());
    for (auto addresses = in.number<std::uint32_t>(); addresses > 0 && in.ok(); --addresses) {
      if (const auto address = IpAddress::parse(in.text())) name->addresses.push_back(*address);
    }
    if (in.ok()) names_[host] = std::move(name);
  }
}

io::Task<> BackendDirectory::stop() {
  tasks_.stop();
  co_await tasks_.join();
}

}  // namespace passerelle::proxy
