// Times as templates write them: ISO 8601 in, .NET's format strings out. UTC only.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace passerelle::arm {

// Seconds since 1970 of "2026-01-31T10:20:30Z", of the same with an offset, or of a date alone.
[[nodiscard]] std::optional<std::int64_t> parse_date_time(std::string_view text);

// `format`: one of .NET's standard letters (d, s, u, R, o) or a custom one ("yyyy-MM-dd"); the
// default is that of utcNow(), "yyyyMMddTHHmmssZ". The error is a sentence.
[[nodiscard]] std::expected<std::string, std::string> format_date_time(std::int64_t seconds,
                                                                       std::string_view format);

// The time an ISO 8601 duration ("P1Y2M3DT4H5M6S", "-PT5M") later. Nothing when it cannot be read.
[[nodiscard]] std::optional<std::int64_t> add_duration(std::int64_t seconds, std::string_view duration);

}  // namespace passerelle::arm
