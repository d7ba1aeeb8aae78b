#include "admin/operations.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace passerelle::admin {

std::string_view to_string(Operation::State state) {
  switch (state) {
    case Operation::State::in_progress: return "InProgress";
    case Operation::State::succeeded: return "Succeeded";
    case Operation::State::failed: return "Failed";
    case Operation::State::canceled: return "Canceled";
  }
  return "Failed";
}

// RFC 9562: version 4.
std::string make_guid(Random& random) {
  std::array<char, 16> bytes{};
  random.fill({bytes.data(), bytes.size()});
  bytes[6] = static_cast<char>((static_cast<unsigned>(bytes[6]) & 0x0fU) | 0x40U);
  bytes[8] = static_cast<char>((static_cast<unsigned>(bytes[8]) & 0x3fU) | 0x80U);
  std::string out;
  append_hex(out, {bytes.data(), bytes.size()});
  for (const std::size_t at : {8U, 13U, 18U, 23U}) out.insert(at, 1, '-');
  return out;
}

Operation& Operations::begin(WallTime now) {
  while (operations_.size() >= kept_max) forget_first();
  Operation& out = operations_.emplace_back();
  out.id = make_guid(random_);
  out.began = now;
  return out;
}

void Operations::forget_first() {
  results_bytes_ -= operations_.front().result.body.size();
  operations_.pop_front();
}

void Operations::end(std::string_view id, Operation::State state, http::Response result, std::string error,
                     WallTime now) {
  Operation* operation = find(id);
  if (operation == nullptr) return;
  results_bytes_ += result.body.size();
  operation->state = state;
  operation->ended = now;
  operation->result = std::move(result);
  operation->error = std::move(error);
  while (results_bytes_ > results_bytes_max && operations_.front().over() && operations_.front().id != id)
    forget_first();
}

Operation* Operations::find(std::string_view id) {
  const auto found = std::ranges::find_if(
      operations_, [&](const Operation& operation) { return equals_ignoring_case(operation.id, id); });
  return found == operations_.end() ? nullptr : &*found;
}

}  // namespace passerelle::admin
