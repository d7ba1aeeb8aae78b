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
    bool https = false;  // some setting speaks HTTPS to it
    std::vector<std::string>
        members;  // addresses and names; empty where the members are NICs, scale sets, or known to Azure only
  };
  std::vector<std::string> frontends;
  std::vector<Port> ports;
  std::vector<std::string> certificates;
  std::vector<std::string> trusted;  // trusted roots and client certificates
  std::vector<Pool> pools;
  std::vector<std::string> references;  // calls that only Azure could answer, as written
  std::vector<int> error_pages;         // statuses that have a page of their own somewhere
  bool waf = false;
  bool affinity = false;
  Problems problems;
};

[[nodiscard]] Inventory take_inventory(const LoadInput& input);

}  // namespace passerelle::arm
