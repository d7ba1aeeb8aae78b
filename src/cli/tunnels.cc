#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "arm/json_reader.h"
#include "base/text.h"
#include "cli/admin_client.h"
#include "cli/verbs.h"

namespace passerelle::cli {
namespace {

constexpr std::chrono::seconds look_again{1};

std::string text_of(const arm::JsonValue& object, std::string_view key) {
  const auto* value = object.find(key);
  return value != nullptr ? value->text : std::string();
}
double number_of(const arm::JsonValue& object, std::string_view key) {
  return std::strtod(text_of(object, key).c_str(), nullptr);
}

std::string duration(double seconds) {
  const auto whole = static_cast<std::uint64_t>(seconds);
  if (whole < 60) return fmt::format("{:.0f}s", seconds);
  if (whole < 3600) return fmt::format("{}m{:02}s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{}h{:02}m", whole / 3600, whole % 3600 / 60);
  return fmt::format("{}d{:02}h", whole / 86400, whole % 86400 / 3600);
}

// Four figures at most, in the units of the field.
std::string amount(double value, double step, const std::array<const char*, 5>& units) {
  std::size_t unit = 0;
  for (; value >= step && unit + 1 < units.size(); ++unit) value /= step;
  return fmt::format("{:.{}f}{}", value, unit > 0 && value < 100 ? 1 : 0, units[unit]);
}
std::string bytes(double value) { return amount(value, 1024, {"B", "KiB", "MiB", "GiB", "TiB"}); }
std::string count(double value) { return amount(value, 1000, {"", "k", "M", "G", "T"}); }
std::string round_trip(double seconds) {
  if (seconds <= 0) return "-";
  return seconds < 0.001 ? fmt::format("{:.0f}us", seconds * 1e6) : fmt::format("{:.1f}ms", seconds * 1e3);
}

void print_table(const arm::JsonValue& page, std::size_t width) {
  const auto line = [&](std::string text) {
    while (text.ends_with(' ')) text.pop_back();
    fmt::print("{}\n", width > 0 ? std::string_view(text).substr(0, width) : std::string_view(text));
  };
  constexpr const char* columns = "{:>7}  {:<22} {:<20} {:<22} {:>8} {:>8} {:>9} {:>9} {:>8} {:>8}  {}";
  line(fmt::format(columns, "AGE", "CLIENT", "RULE", "MEMBER", "MSG IN", "MSG OUT", "IN", "OUT", "RTT",
                   "RTT BACK", "ID"));
  const auto* tunnels = page.find("tunnels");
  for (const auto& each : tunnels != nullptr ? tunnels->items : std::vector<arm::JsonValue>()) {
    line(fmt::format(
        columns, duration(number_of(each, "seconds")), text_of(each, "client"), text_of(each, "rule"),
        text_of(each, "member"), count(number_of(each, "messagesFromClient")),
        count(number_of(each, "messagesFromBackend")), bytes(number_of(each, "bytesFromClient")),
        bytes(number_of(each, "bytesFromBackend")), round_trip(number_of(each, "roundTripClient")),
        round_trip(number_of(each, "roundTripBackend")), text_of(each, "id")));
  }
}

std::string query_of(const Options& options, bool live) {
  std::string out = fmt::format("/api/v1/tunnels?sort={}&limit={}", options.sort,
                                options.limit != 0 ? options.limit
                                : live             ? 20U
                                                   : 1000U);
  for (const std::string& filter : options.filters) {
    const auto [name, value] = split_once(filter, '=');
    out += fmt::format("&{}=", name);
    for (const char c : value) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      if (plain)
        out += c;
      else
        out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

// On a terminal once a second until it is interrupted, as top does; else once.
int tunnels(const Options& options) {
  AdminClient gateway(options);
  const bool live = !options.once && options.format != "json" && ::isatty(STDOUT_FILENO) == 1;
  const char* columns = std::getenv("COLUMNS");
  const std::size_t width =
      live ? parse_decimal<std::size_t>(columns != nullptr ? columns : "").value_or(0) : 0;
  for (;;) {
    const auto answer = gateway.get(query_of(options, live));
    if (!answer) return answer.error();
    if (options.format == "json") {
      fmt::print("{}", *answer);
      return exit_done;
    }
    arm::ProblemList problems({"answer"});
    const auto page = arm::read_json(*answer, 0, problems, {.text_bytes_max = answer->size() + 1});
    if (!page) {
      fmt::print(stderr, "passerelle: error: NoGateway: what answers at {} is no gateway\n", options.admin);
      return exit_cannot_start;
    }
    if (live) fmt::print("\x1b[H\x1b[2J");
    const auto* shown = page->find("tunnels");
    fmt::print("{} tunnels open, {} asked for, {} shown\n\n", text_of(*page, "open"),
               text_of(*page, "matching"), shown != nullptr ? shown->items.size() : 0);
    print_table(*page, width);
    if (!live) return exit_done;
    std::fflush(stdout);
    gateway.wait(look_again);
  }
}

}  // namespace passerelle::cli
