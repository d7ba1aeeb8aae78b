// What a probe's answer means, and when a member counts as down (Azure: health probe overview).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/gateway.h"
#include "model/health.h"
#include "protocol/message_head.h"

namespace passerelle::policy {

using model::Health;

// One member's standing under one probe. A value.
class HealthThreshold {
 public:
  explicit HealthThreshold(Health health = Health::unknown) : health_(health) {}
  // The new standing, if this result changed it.
  std::optional<Health> feed(bool success, unsigned unhealthy_threshold);
  [[nodiscard]] Health health() const { return health_; }
  [[nodiscard]] unsigned failures() const { return failures_; }

 private:
  Health health_;
  unsigned failures_ = 0;
};

// In words: what was expected and received, and a hint where the answer tells more than it says.
struct ProbeVerdict {
  bool success = false;
  std::string expected;
  std::string received;
  std::string hint;
};

[[nodiscard]] std::string expectation(const model::Probe& probe);
[[nodiscard]] ProbeVerdict judge(const model::Probe& probe, const MessageHead& answer, std::string_view body);

}  // namespace passerelle::policy
