#include "telemetry/event_log.h"

#include <fmt/chrono.h>

#include <array>
#include <iterator>

#include "base/json_writer.h"

namespace passerelle::telemetry {

void append_time(std::string& out, WallTime time) {
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(milliseconds);
  const std::time_t clock_seconds = seconds.count();
  std::tm parts{};
  gmtime_r(&clock_seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                 (milliseconds - seconds).count());
}

void EventLog::write(Level level, std::string_view component, std::string_view message) {
  static constexpr std::array<std::string_view, 4> names = {"debug", "info", "warning", "error"};
  const auto name = names[static_cast<std::size_t>(level)];
  std::string line;
  if (json_) {
    std::string time;
    append_time(time, clock_.wall());
    JsonWriter json(line);
    json.begin_object().member("time", time).member("level", name).member("component", component);
    json.member("message", message).end_object();
  } else {
    append_time(line, clock_.wall());
    fmt::format_to(std::back_inserter(line), " {} {}: ", name, component);
    // Control characters are escaped as in JSON: a backend's words must not drive a terminal or split a line.
    const std::size_t at = line.size();
    append_json_string(line, message);
    line.erase(at, 1);
    line.pop_back();
    for (std::size_t i = at; (i = line.find("\\\"", i)) != std::string::npos; ++i) line.erase(i, 1);
  }
  line += '\n';
  sink_->write(line);
}

}  // namespace passerelle::telemetry
