#include "arm/language/date_time.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::chrono;

constexpr std::int64_t year_max = 9999;
constexpr std::array month_names = {"January", "February", "March",     "April",   "May",      "June",
                                    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array day_names = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                  "Thursday", "Friday", "Saturday"};

// Takes exactly `digits` digits from the front.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
  const auto number = parse_decimal<unsigned>(text.substr(0, digits));
  if (text.size() < digits || !number) return std::nullopt;
  text.remove_prefix(digits);
  return number;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

struct Parts {
  year_month_day date;
  weekday day;
  hh_mm_ss<seconds> time;
};

Parts parts_of(std::int64_t at) {
  const sys_seconds point{seconds(at)};
  const auto day = floor<days>(point);
  return {year_month_day(day), weekday(day), hh_mm_ss<seconds>(point - day)};
}

std::string token_text(const Parts& parts, char letter, std::size_t count) {
  const int year = static_cast<int>(parts.date.year());
  const unsigned month = static_cast<unsigned>(parts.date.month());
  const auto hour = parts.time.hours().count();
  const auto number = [&](auto value) {
    return fmt::format("{:0{}}", value, std::min<std::size_t>(count, 2));
  };
  switch (letter) {
    case 'y':
      return count <= 2 ? number(year % 100) : fmt::format("{:0{}}", year, std::min<std::size_t>(count, 9));
    case 'M':
      if (count <= 2) return number(month);
      return count == 3 ? std::string(month_names[month - 1]).substr(0, 3) : month_names[month - 1];
    case 'd':
      if (count <= 2) return number(static_cast<unsigned>(parts.date.day()));
      return count == 3 ? std::string(day_names[parts.day.c_encoding()]).substr(0, 3)
                        : day_names[parts.day.c_encoding()];
    case 'H': return number(hour);
    case 'h': return number(hour % 12 == 0 ? 12 : hour % 12);
    case 'm': return number(parts.time.minutes().count());
    case 's': return number(parts.time.seconds().count());
    case 't': return std::string(hour < 12 ? "AM" : "PM").substr(0, count);
    case 'f': return std::string(std::min<std::size_t>(count, 7), '0');
    case 'K': return "Z";
    default: return count >= 3 ? "+00:00" : "+00";  // z
  }
}

std::string_view standard_format(std::string_view letter) {
  switch (letter.front()) {
    case 'd': return "MM/dd/yyyy";
    case 's': return "yyyy-MM-ddTHH:mm:ss";
    case 'u': return "yyyy-MM-dd HH:mm:ssZ";
    case 'r':
    case 'R': return "ddd, dd MMM yyyy HH:mm:ss 'GMT'";
    case 'o':
    case 'O': return "yyyy-MM-ddTHH:mm:ss.fffffffZ";
    default: return {};
  }
}

}  // namespace

std::optional<std::int64_t> parse_date_time(std::string_view text) {
  const auto year_number = take_number(text, 4);
  const bool dashes = take(text, '-');
  const auto month_number = take_number(text, 2);
  if (dashes && !take(text, '-')) return std::nullopt;
  const auto day_number = take_number(text, 2);
  if (!year_number || !month_number || !day_number) return std::nullopt;
  const year_month_day date{year(static_cast<int>(*year_number)), month(*month_number), day(*day_number)};
  if (!date.ok()) return std::nullopt;
  std::int64_t at = sys_days(date).time_since_epoch().count() * std::int64_t{86400};
  if (text.empty()) return at;
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  for (const std::int64_t unit : {3600, 60, 1}) {
    // The seconds may be left out.
    if (unit == 1 && (text.empty() || text.front() < '0' || text.front() > '9')) break;
    const auto number = take_number(text, 2);
    if (!number || *number >= (unit == 3600 ? 24U : 60U)) return std::nullopt;
    at += unit * *number;
    (void)take(text, ':');
  }
  if (take(text, '.')) {
    while (!text.empty() && text.front() >= '0' && text.front() <= '9') text.remove_prefix(1);
  }
  if (text.empty() || text == "Z" || text == "z") return at;
  const bool behind = text.starts_with('-');
  if (!take(text, '-') && !take(text, '+')) return std::nullopt;
  const auto hours_off = take_number(text, 2);
  (void)take(text, ':');
  const auto minutes_off = take_number(text, 2);
  if (!hours_off || !minutes_off || !text.empty()) return std::nullopt;
  const std::int64_t offset = *hours_off * std::int64_t{3600} + *minutes_off * std::int64_t{60};
  return behind ? at + offset : at - offset;
}

std::expected<std::string, std::string> format_date_time(std::int64_t at, std::string_view format) {
  const Parts parts = parts_of(at);
  if (static_cast<int>(parts.date.year()) < 1 || static_cast<int>(parts.date.year()) > year_max)
    return std::unexpected(std::string("the time lies outside of the years 1 to 9999"));
  if (format.empty()) format = "yyyyMMddTHHmmssZ";
  if (format.size() == 1) {
    format = standard_format(format);
    if (format.empty()) return std::unexpected(std::string("the time format is not supported"));
  }
  std::string out;
  for (std::size_t i = 0; i < format.size();) {
    const char c = format[i];
    std::size_t end = i + 1;
    if (c == '\'' || c == '"') {
      end = format.find(c, i + 1);
      if (end == std::string_view::npos)
        return std::unexpected(std::string("a quote in the time format never ends"));
      out += format.substr(i + 1, end - i - 1);
      i = end + 1;
      continue;
    }
    if (c == '\\' && end < format.size()) {
      out += format[end];
      i = end + 1;
      continue;
    }
    while (end < format.size() && format[end] == c) ++end;
    if (std::string_view("yMdHhmstfKz").find(c) != std::string_view::npos)
      out += token_text(parts, c, end - i);
    else
      out += format.substr(i, end - i);
    i = end;
  }
  return out;
}

std::optional<std::int64_t> add_duration(std::int64_t at, std::string_view duration) {
  const bool back = take(duration, '-');
  if (!take(duration, 'P') || duration.empty()) return std::nullopt;
  std::int64_t months_more = 0, seconds_more = 0;
  bool time = false;
  while (!duration.empty()) {
    if (take(duration, 'T')) {
      if (std::exchange(time, true)) return std::nullopt;
      continue;
    }
    std::size_t digits = 0;
    while (digits < duration.size() && duration[digits] >= '0' && duration[digits] <= '9') ++digits;
    constexpr std::size_t digits_max = 9;
    const auto number =
        digits <= digits_max ? parse_decimal<std::uint32_t>(duration.substr(0, digits)) : std::nullopt;
    if (!number || digits >= duration.size()) return std::nullopt;
    const char unit = duration[digits];
    duration.remove_prefix(digits + 1);
    if (!time && unit == 'Y')
      months_more += std::int64_t{12} * *number;
    else if (!time && unit == 'M')
      months_more += *number;
    else if (!time && unit == 'W')
      seconds_more += std::int64_t{604800} * *number;
    else if (!time && unit == 'D')
      seconds_more += std::int64_t{86400} * *number;
    else if (time && unit == 'H')
      seconds_more += std::int64_t{3600} * *number;
    else if (time && unit == 'M')
      seconds_more += std::int64_t{60} * *number;
    else if (time && unit == 'S')
      seconds_more += *number;
    else
      return std::nullopt;
  }
  if (months_more > std::int64_t{12} * year_max) return std::nullopt;
  const sys_seconds point{seconds(at)};
  const auto day_point = floor<days>(point);
  year_month_day date(day_point);
  date += months(back ? -months_more : months_more);
  if (!date.ok()) date = date.year() / date.month() / last;
  const auto moved = sys_days(date) + (point - day_point);
  return moved.time_since_epoch().count() + (back ? -seconds_more : seconds_more);
}

}  // namespace passerelle::arm
