#include "admin/ready_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/text.h"

namespace passerelle::admin {
namespace {

// Private ranges and names under Azure's domains: things a template names that this machine most likely has
// not.
bool is_azures(std::string_view name) {
  if (const auto ip = IpAddress::parse(name); ip && !ip->v6) {
    const auto& b = ip->bytes;
    return b[0] == 10 || (b[0] == 172 && b[1] >= 16 && b[1] < 32) || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 169 && b[1] == 254);
  }
  const std::string lower = lowered(name);
  return lower.ends_with(".azure.com") || lower.ends_with(".azurewebsites.net") ||
         lower.ends_with(".windows.net") || lower.ends_with(".azurecontainer.io");
}

// Whether a member is asked for where the template says it is.
bool is_itself(const model::Target& target) {
  if (!target.address) return target.host == target.name;
  return !target.address->is_unix() && target.address->ip.to_string() == target.name;
}

std::string url_of(const Endpoint& endpoint, bool tls) {
  Endpoint shown = endpoint;
  if (shown.ip == *IpAddress::parse("0.0.0.0")) shown.ip = *IpAddress::parse("127.0.0.1");
  return fmt::format("{}://{}/", tls ? "https" : "http", shown.to_string());
}

void append_destination(std::string& out, const model::Gateway& gateway,
                        const std::vector<board::Group>& groups, const model::Destination& to) {
  if (to.redirect) {
    const model::Redirect& redirect = gateway.redirects[*to.redirect];
    fmt::format_to(std::back_inserter(out), "{} redirect to {}\n", redirect.status,
                   redirect.listener ? gateway.listeners[*redirect.listener].name : redirect.url);
    return;
  }
  const board::Group& group = groups[*to.group];
  const auto up = std::ranges::count_if(
      group.members, [](const auto& member) { return member->health.load() == model::Health::up; });
  fmt::format_to(std::back_inserter(out), "pool {}: {} of {} member{} up\n", gateway.groups[*to.group].pool,
                 up, group.members.size(), group.members.size() == 1 ? "" : "s");
}

void append_rule(std::string& out, const model::Gateway& gateway, const std::vector<board::Group>& groups,
                 const model::Rule& rule) {
  constexpr std::size_t path_rules_shown_max = 20;
  std::size_t shown = 0;
  for (const model::PathRule& path_rule : rule.path_rules) {
    if (++shown > path_rules_shown_max) {
      fmt::format_to(std::back_inserter(out), "    rule {} and {} path rules more\n", rule.name,
                     rule.path_rules.size() - path_rules_shown_max);
      break;
    }
    for (const model::PathPattern& path : path_rule.paths) {
      fmt::format_to(std::back_inserter(out), "    rule {} {} -> ", rule.name, path.text);
      append_destination(out, gateway, groups, path_rule.to);
    }
  }
  fmt::format_to(std::back_inserter(out), "    rule {}{} -> ", rule.name,
                 rule.path_rules.empty() ? "" : " else");
  append_destination(out, gateway, groups, rule.otherwise);
}

void append_listener(std::string& out, const model::Gateway& gateway, model::Index index,
                     const std::vector<board::Group>& groups, const ListenerAddresses& open) {
  const model::Listener& listener = gateway.listeners[index];
  fmt::format_to(std::back_inserter(out), "  {}", listener.name);
  for (const std::string& host : listener.host_names)
    fmt::format_to(std::back_inserter(out), "{} {}", &host == &listener.host_names.front() ? " for" : ",",
                   host);
  out += '\n';
  if (listener.disabled) {
    fmt::format_to(std::back_inserter(out), "    disabled: nobody supplied its certificate '{}'\n",
                   gateway.certificates[*listener.certificate].name);
    return;
  }
  for (const Endpoint& address : open.addresses) {
    if (address.ip == *IpAddress::parse("::") && open.addresses.size() > 1) continue;  // said with its twin
    const bool every = address.ip == *IpAddress::parse("0.0.0.0");
    fmt::format_to(std::back_inserter(out), "    {}{}\n",
                   url_of(address, gateway.frontends[listener.frontend].tls),
                   every ? "  (every address of this machine)" : "");
  }
  if (listener.rule) append_rule(out, gateway, groups, gateway.rules[*listener.rule]);
}

void append_members_down(std::string& out, const model::Gateway& gateway,
                         const std::vector<board::Group>& groups) {
  std::set<std::string> to_map;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    std::set<std::string_view> unmapped;
    for (const model::Target& target : gateway.groups[i].targets) {
      if (is_azures(target.name) && is_itself(target)) unmapped.insert(target.name);
    }
    for (const auto& member : groups[i].members) {
      if (member->health.load() == model::Health::up) continue;
      if (unmapped.contains(member->name)) to_map.insert(member->name);
      const auto report = member->report();
      const std::string why = report.received.empty()
                                  ? "not probed yet"
                                  : fmt::format("expected {}, received {}", report.expected, report.received);
      fmt::format_to(std::back_inserter(out), "  down: {} ({}) in pool {}: {}\n", member->name,
                     member->address, gateway.groups[i].pool, why);
      if (!report.hint.empty()) fmt::format_to(std::back_inserter(out), "    hint: {}\n", report.hint);
    }
    std::set<std::string_view> known;
    for (const auto& member : groups[i].members) known.insert(member->name);
    for (const model::Target& target : gateway.groups[i].targets) {
      if (known.contains(target.name)) continue;
      fmt::format_to(std::back_inserter(out), "  down: {} in pool {}: its name has no address yet\n",
                     target.name, gateway.groups[i].pool);
      if (unmapped.contains(target.name)) to_map.insert(target.name);
    }
  }
  if (to_map.empty()) return;
  out += "  addresses of Azure's; say in the local file what they are here:\n    \"backendAddresses\": {";
  int port = 9001;
  for (const std::string& name : to_map)
    fmt::format_to(std::back_inserter(out), "{} \"{}\": \"127.0.0.1:{}\"", port == 9001 ? "" : ",", name,
                   port),
        ++port;
  out += " }\n";
}

}  // namespace

std::string ready_report(const model::Gateway& gateway, const std::vector<board::Group>& groups,
                         const std::vector<ListenerAddresses>& listeners) {
  std::string out;
  for (model::Index i = 0; i < gateway.listeners.size(); ++i)
    append_listener(out, gateway, i, groups, listeners[i]);
  append_members_down(out, gateway, groups);
  const bool self_made = std::ranges::any_of(gateway.listeners, [&](const model::Listener& listener) {
    return listener.certificate &&
           gateway.certificates[*listener.certificate].kind == model::Certificate::Kind::self_signed;
  });
  if (self_made)
    out +=
        "  a certificate is self-made: open its https:// address in the browser and accept it once, before "
        "wss:// works\n";
  if (!gateway.without_effect.empty()) {
    out += "  accepted without effect here:";
    for (const std::string& what : gateway.without_effect)
      fmt::format_to(std::back_inserter(out), "{} {}", &what == &gateway.without_effect.front() ? "" : ",",
                     what);
    out += '\n';
  }
  return out;
}

}  // namespace passerelle::admin
