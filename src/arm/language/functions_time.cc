// Date functions; utcNow() is the evaluator's, which knows what time it is.
#include <array>

#include "arm/language/date_time.h"
#include "arm/language/functions.h"

namespace passerelle::arm {
namespace {

constexpr std::string_view iso_format = "yyyy-MM-ddTHH:mm:ssZ";

JsonValue written(FunctionCall& call, std::int64_t at, std::string_view format) {
  auto text = format_date_time(at, format);
  return text ? make_text(std::move(*text)) : call.fail(text.error());
}

JsonValue date_time_add(FunctionCall& call) {
  const auto base = parse_date_time(call.text(0));
  if (!base) return call.fail("its first argument is no time such as '2026-01-31T10:00:00Z'");
  const auto moved = add_duration(*base, call.text(1));
  if (!moved) return call.fail("its second argument is no duration such as 'P1D' or '-PT30M'");
  return written(call, *moved, call.has(2) ? call.text(2) : std::string_view(iso_format));
}

JsonValue date_time_from_epoch(FunctionCall& call) {
  constexpr std::int64_t seconds_max = 253'402'300'799;  // the end of the year 9999
  const auto seconds = call.integer(0);
  if (seconds < 0 || seconds > seconds_max)
    return call.fail("the seconds lie outside of the years 1970 to 9999");
  return written(call, seconds, iso_format);
}

JsonValue date_time_to_epoch(FunctionCall& call) {
  const auto at = parse_date_time(call.text(0));
  return at ? make_number(*at) : call.fail("its argument is no time such as '2026-01-31T10:00:00Z'");
}

constexpr std::array functions = {Function{"dateTimeAdd", 2, 3, date_time_add},
                                  Function{"dateTimeFromEpoch", 1, 1, date_time_from_epoch},
                                  Function{"dateTimeToEpoch", 1, 1, date_time_to_epoch}};

}  // namespace

std::span<const Function> time_functions() { return functions; }

}  // namespace passerelle::arm
