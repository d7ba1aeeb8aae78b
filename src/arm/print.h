// The evaluated resource as normalised JSON: Azure's spelling and order, defaults filled in, ids made whole,
// secrets masked. Loaded again with the same local file it gives the same model.
#pragma once

#include <string>

#include "arm/resource.h"
#include "model/gateway.h"

namespace passerelle::arm {

inline constexpr std::string_view secret_mask = "********";

// What cannot be evaluated and was not needed is left out.
// `secrets` knows them.
[[nodiscard]] std::string print_resource(const Resource& resource, const model::Gateway& gateway,
                                         const ProblemList& secrets);

// Indented JSON text of a value.
[[nodiscard]] std::string to_json_lines(const JsonValue& value);

}  // namespace passerelle::arm
