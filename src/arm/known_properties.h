// Azure's spelling of every property of the resource, and what Passerelle does with each.
// Source: Microsoft.Network/applicationGateways, API 2016-09-01 to 2025-09-01.
// docs/configuration/properties.md is made of this.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace passerelle::arm {

enum class Effect : std::uint8_t {
  honoured,
  without_effect,  // accepted, and said aloud once
  refused,         // an error where it asks for something: silence would be a trap
  read_only,       // Azure writes it; passed over
};

struct KnownProperty {
  std::string_view name;
  Effect effect = Effect::honoured;
  std::string_view inside = {};         // the definition of the object, or of the list's elements
  std::string_view default_value = {};  // as JSON; empty: none
  std::string_view note = {};           // why it is refused or has no effect; part of a sentence
};

struct Definition {
  std::string_view name;  // "httpListeners"; "" is the resource's own properties
  std::span<const KnownProperty> properties;
  // Elements are { "name", "properties": { … } }, as Azure's child resources are.
  bool is_child_resource = false;
};

[[nodiscard]] std::span<const Definition> definitions();
// Null: there is none of that name.
[[nodiscard]] const Definition* find_definition(std::string_view name);

// The page for people: every property, and which of the three it is.
[[nodiscard]] std::string properties_page();

}  // namespace passerelle::arm
