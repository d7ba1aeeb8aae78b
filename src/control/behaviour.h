// What a configuration does, as words that can be compared: two texts that do the same have the same
// behaviour.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/gateway.h"

namespace passerelle::control {

// By subject ("listener chat", "rule basic"), then by what is told of it. What may be a secret is in it as a
// digest that changes with it. A value.
using Behaviour = std::map<std::string, std::map<std::string, std::string>>;

// `salt`: of the digests; two descriptions with the same one can be compared.
[[nodiscard]] Behaviour describe(const model::Gateway& gateway, std::string_view salt);

struct BehaviourChange {
  std::string subject, property;
  std::optional<std::string> before, after;  // none: it is not there

  friend bool operator==(const BehaviourChange&, const BehaviourChange&) = default;
};
// A subject that comes or goes is one change, without a property.
[[nodiscard]] std::vector<BehaviourChange> compare(const Behaviour& before, const Behaviour& after);

// How many live tunnels a member holds, under one setting.
struct MemberTunnels {
  std::string pool, settings, member, address;  // `member`: its name in the template
  bool tls = false;
  bool here = true;  // it is a member now, and did not leave before
  std::uint64_t tunnels = 0;
};

// What becomes of live tunnels when a configuration comes into force.
struct TunnelsAfter {
  std::uint64_t open = 0;
  struct Draining {
    MemberTunnels of;
    std::optional<std::chrono::seconds> over;  // none: they stay, for its settings do not drain
  };
  std::vector<Draining> leaving;  // on members that leave
  // azureParity.updateDrainsTunnels: of those that stay, so many end after so long.
  std::map<std::chrono::seconds, std::uint64_t> ended_by_update;
};
// `drains`: by setting, how long each drains now; a setting that is not in it does not.
[[nodiscard]] TunnelsAfter tunnels_after(const std::vector<MemberTunnels>& tunnels,
                                         const std::map<std::string, std::chrono::seconds>& drains,
                                         const model::Gateway& after);
// connectionDraining of each setting that has it switched on.
[[nodiscard]] std::map<std::string, std::chrono::seconds> drains_of(const model::Gateway& gateway);

// The form that scripts read.
[[nodiscard]] std::string to_json(const TunnelsAfter& after, const std::vector<BehaviourChange>& changes);

}  // namespace passerelle::control
