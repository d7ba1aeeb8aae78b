// The evaluated resource as normalised JSON: Azure's spelling and order, defaults filled in, ids made whole,
// secrets masked unless they are asked for. Loaded again with the same local file it gives the same model.
#pragma once

#include <cstdint>
#include <string>

#include "arm/resource.h"
#include "model/gateway.h"

namespace passerelle::arm {

inline constexpr std::string_view secret_mask = "********";

enum class Secrets : std::uint8_t { masked, shown };

// What cannot be evaluated and was not needed is left out. `problems` knows the secrets.
[[nodiscard]] std::string print_resource(const Resource& resource, const model::Gateway& gateway,
                                         const ProblemList& problems, Secrets secrets = Secrets::masked);

// Indented JSON text of a value.
[[nodiscard]] std::string to_json_lines(const JsonValue& value);

}  // namespace passerelle::arm
