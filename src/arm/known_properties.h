// Azure's spelling of every property of the resource's collections, and what Passerelle does with each.
// Source: Microsoft.Network/applicationGateways, API 2016-09-01 to 2025-09-01.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace passerelle::arm {

enum class Effect : std::uint8_t {
  honoured,
  without_effect,  // accepted, and said aloud once
  not_yet,         // an error where it would change behaviour: silence would be a trap
  read_only,       // Azure writes it; passed over
};

struct KnownProperty {
  std::string_view name;
  Effect effect = Effect::honoured;
};

// "" names the resource's own properties; an unknown collection yields nothing.
[[nodiscard]] std::span<const KnownProperty> known_properties(std::string_view collection);

}  // namespace passerelle::arm
