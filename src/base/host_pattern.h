// Host names with wildcards, as multi-site listeners have them: `*` any run of characters, dots too, `?`
// exactly one. Source: Azure, "multiple site hosting", wildcard host names; behaviour sheet, section 2.2.
#pragma once

#include <string>
#include <string_view>

namespace passerelle {

[[nodiscard]] bool host_matches(std::string_view pattern, std::string_view host);

// Why Azure refuses the pattern, as a sentence; empty when it does not.
[[nodiscard]] std::string host_pattern_error(std::string_view pattern);

}  // namespace passerelle
