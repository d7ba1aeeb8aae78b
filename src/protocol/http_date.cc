#include "protocol/http_date.h"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <iterator>

namespace passerelle {

std::string_view HttpDate::at(WallTime time) {
  const std::int64_t second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  if (second == second_) return text_;
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t clock_seconds = second;
  std::tm parts{};
  gmtime_r(&clock_seconds, &parts);
  text_.clear();  // keeps its room: a new second allocates nothing
  fmt::format_to(std::back_inserter(text_), "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                 days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                 months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900, parts.tm_hour,
                 parts.tm_min, parts.tm_sec);
  second_ = second;
  return text_;
}

}  // namespace passerelle
