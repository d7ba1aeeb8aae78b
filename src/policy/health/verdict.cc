#include "policy/health/verdict.h"

#include <fmt/format.h>

#include <algorithm>

namespace passerelle::policy {

std::optional<Health> HealthThreshold::feed(bool success, unsigned unhealthy_threshold) {
  const Health before = health_;
  if (success) {
    failures_ = 0;
    health_ = Health::up;
  } else if (++failures_ >= unhealthy_threshold || health_ == Health::unknown) {
    health_ = Health::down;
  }
  return health_ == before ? std::nullopt : std::optional(health_);
}

std::string expectation(const model::Probe& probe) {
  std::string out = "status ";
  for (const auto& range : probe.statuses) {
    if (&range != &probe.statuses.front()) out += ", ";
    out +=
        range.low == range.high ? fmt::format("{}", range.low) : fmt::format("{}-{}", range.low, range.high);
  }
  if (!probe.body.empty()) out += fmt::format(" and \"{}\" in the body", probe.body);
  return out;
}

ProbeVerdict judge(const model::Probe& probe, const MessageHead& answer, std::string_view body) {
  ProbeVerdict out;
  out.expected = expectation(probe);
  out.received = fmt::format("status {}", answer.status);
  const bool status_fits = std::ranges::any_of(probe.statuses, [&](const model::Probe::StatusRange& range) {
    return answer.status >= range.low && answer.status <= range.high;
  });
  const bool body_fits = probe.body.empty() || body.find(probe.body) != std::string_view::npos;
  if (status_fits && !body_fits) out.received += ", a body without that text";
  out.success = status_fits && body_fits;
  if (!status_fits && (answer.status == 400 || answer.status == 426)) {
    out.hint =
        "this looks like a server for WebSockets only: a probe is a plain GET, so give it a page that "
        "answers 200 "
        "(such as /health) and name that path in the probe, or let the probe match 400 and 426";
  }
  return out;
}

}  // namespace passerelle::policy
