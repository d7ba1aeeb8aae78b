// What the gateway itself has to say: one line an event, on standard error.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "telemetry/line_sink.h"

namespace passerelle::telemetry {

enum class Level : std::uint8_t { debug, info, warning, error };

// Any thread. Text: "2026-11-22T13:00:00.123Z warning probe: …". JSON:
// {"time","level","component","message"}.
class EventLog {
 public:
  EventLog(const Clock& clock, Level level, bool json, std::shared_ptr<LineSink> sink)
      : clock_(clock), level_(level), json_(json), sink_(std::move(sink)) {}

  template <class... Arguments>
  void debug(std::string_view component, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (level_ <= Level::debug)
      write(Level::debug, component, fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  void info(std::string_view component, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (level_ <= Level::info)
      write(Level::info, component, fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  void warning(std::string_view component, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    if (level_ <= Level::warning)
      write(Level::warning, component, fmt::format(text, std::forward<Arguments>(arguments)...));
  }
  template <class... Arguments>
  void error(std::string_view component, fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    write(Level::error, component, fmt::format(text, std::forward<Arguments>(arguments)...));
  }

 private:
  void write(Level level, std::string_view component, std::string_view message);
  const Clock& clock_;
  Level level_;
  bool json_;
  std::shared_ptr<LineSink> sink_;  // so that a blocked terminal blocks no worker
};

// "2026-11-22T13:00:00.123Z"
void append_time(std::string& out, WallTime time);

}  // namespace passerelle::telemetry
