// What /api/v1/live says each second: totals since the start, from which whoever watches makes rates.
#pragma once

#include <string>

#include "admin/observed.h"

namespace passerelle::admin {

// At most so many of each are in it; `leftOut` says how many are not.
inline constexpr std::size_t live_routes_max = 200;
inline constexpr std::size_t live_members_max = 500;

// JSON.
[[nodiscard]] std::string live_picture(const Observed& observed, WallTime now);

}  // namespace passerelle::admin
