#include "admin/probe_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/json_reader.h"
#include "base/text.h"

namespace passerelle::admin {
namespace {

std::string text_of(const arm::JsonValue& object, std::string_view key) {
  const arm::JsonValue* value = object.find(key);
  return value != nullptr ? value->text : std::string();
}

// A name as such, or the last part of an id.
std::string name_in(const arm::JsonValue& object, std::string_view key, std::string_view reference) {
  const arm::JsonValue* value = object.find(reference);
  const std::string id = value != nullptr ? text_of(*value, "id") : std::string();
  return id.empty() ? text_of(object, key) : id.substr(id.rfind('/') + 1);
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// The error is a sentence; empty: fine.
std::string read_match(const arm::JsonValue& match, model::Probe& probe) {
  if (const arm::JsonValue* codes = match.find("statusCodes")) {
    probe.statuses.clear();
    for (const arm::JsonValue& code : codes->items) {
      const auto range = model::parse_status_range(code.text);
      if (!range)
        return fmt::format("'{}' is no status and no range of them; write \"200\" or \"200-399\"", code.text);
      probe.statuses.push_back(*range);
    }
  }
  if (match.find("body") != nullptr) probe.body = text_of(match, "body");
  return {};
}

}  // namespace

std::expected<std::pair<model::Index, model::Probe>, std::string> read_probe_request(
    const std::string& body, const model::Gateway& gateway) {
  arm::ProblemList problems({"body"});
  const auto asked = arm::read_json(body, 0, problems, {.strict = true});
  if (!asked || !asked->is_object())
    return std::unexpected(
        std::string("a JSON object was expected, such as {\"pool\": \"…\", \"backendSettings\": \"…\"}"));
  const std::string pool = name_in(*asked, "pool", "backendAddressPool");
  const std::string settings = name_in(*asked, "backendSettings", "backendHttpSettings");
  const auto group = std::ranges::find_if(gateway.groups, [&](const model::BackendGroup& each) {
    return equals_ignoring_case(each.pool, pool) && equals_ignoring_case(each.settings_name, settings);
  });
  if (group == gateway.groups.end()) {
    std::string known;
    for (const auto& each : gateway.groups)
      known += fmt::format("{}{} with {}", known.empty() ? "" : ", ", each.pool, each.settings_name);
    return std::unexpected(fmt::format(
        "no rule uses the pool '{}' with the backend settings '{}'; there is {}", pool, settings, known));
  }
  model::Probe probe = group->settings.probe;
  if (asked->find("host") != nullptr) probe.host = text_of(*asked, "host");
  if (asked->find("path") != nullptr) probe.path = text_of(*asked, "path");
  if (!probe.path.starts_with('/') || !is_plain(probe.path) || !is_plain(probe.host))
    return std::unexpected(std::string("a path begins with '/', and neither it nor a host holds blanks"));
  if (asked->find("timeout") != nullptr) {
    constexpr std::uint16_t timeout_max = 60;  // somebody waits for the answer
    const auto timeout = parse_decimal<std::uint16_t>(text_of(*asked, "timeout"));
    if (!timeout || *timeout == 0 || *timeout > timeout_max)
      return std::unexpected(fmt::format("a timeout is from 1 to {} seconds", timeout_max));
    probe.timeout = std::chrono::seconds(*timeout);
  }
  if (const arm::JsonValue* match = asked->find("match")) {
    if (std::string wrong = read_match(*match, probe); !wrong.empty())
      return std::unexpected(std::move(wrong));
  }
  return std::pair(static_cast<model::Index>(group - gateway.groups.begin()), std::move(probe));
}

}  // namespace passerelle::admin
