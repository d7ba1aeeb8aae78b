// What a template names, for `init`: whether or not it can be loaded as it is.
#pragma once

#include <string>
#include <vector>

#include "arm/load.h"

namespace passerelle::arm {

// A value.
struct Inventory {
  struct Port {
    std::string name;
    std::uint16_t number = 0;
  };
  struct Pool {
    std::string name;
    std::vector<std::string> members;  // addresses and names; empty where the members are NICs or scale sets
  };
  std::vector<std::string> frontends;
  std::vector<Port> ports;
  std::vector<std::string> certificates;
  std::vector<Pool> pools;
  bool waf_prevention = false;
};

[[nodiscard]] Inventory take_inventory(const LoadInput& input);

}  // namespace passerelle::arm
