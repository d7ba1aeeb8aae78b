// What became of what the REST API was asked to do. Source: Azure Resource Manager, asynchronous operations.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "http/server.h"

namespace passerelle::admin {

struct Operation {
  enum class State : std::uint8_t { in_progress, succeeded, failed, canceled };
  std::string id;  // a GUID
  State state = State::in_progress;
  WallTime began{};
  WallTime ended{};
  http::Response result;  // of one that succeeded, or failed: what Location answers then
  std::string error;      // of one that did not succeed: the JSON object {"code","message",…}

  [[nodiscard]] bool over() const { return state != State::in_progress; }
};

[[nodiscard]] std::string_view to_string(Operation::State state);
[[nodiscard]] std::string make_guid(Random& random);

// A resource on the control plane's engine. Only the last ones are known.
class Operations {
 public:
  static constexpr std::size_t kept_max = 1'000;
  // Of their results; past it the oldest that are over are forgotten.
  static constexpr std::size_t results_bytes_max = 16 * mebibyte;

  explicit Operations(Random& random) : random_(random) {}

  // The reference holds until the next begin().
  Operation& begin(WallTime now);
  // Null: it is not known (any more).
  [[nodiscard]] Operation* find(std::string_view id);
  void end(std::string_view id, Operation::State state, http::Response result, std::string error,
           WallTime now);

 private:
  void forget_first();
  Random& random_;
  std::deque<Operation> operations_;  // the oldest first
  std::size_t results_bytes_ = 0;
};

}  // namespace passerelle::admin
