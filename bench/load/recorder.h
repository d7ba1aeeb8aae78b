// What was done within the measured time, how long each took, and what the watched processes spent on it.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "loop.h"
#include "plan.h"

namespace bench {

// Latencies in classes 1/16 apart, as HDR histograms have them: of 40 µs and of 40 ms alike.
class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++classes_[index(nanoseconds)];
    ++count_;
  }
  [[nodiscard]] double quantile_us(double quantile) const;

 private:
  static constexpr std::size_t steps = 16;
  static std::size_t index(std::uint64_t number);
  std::array<std::uint64_t, 64 * steps> classes_{};
  std::uint64_t count_ = 0;
};

class Recorder {
 public:
  explicit Recorder(const Plan& plan) : plan_(plan) {}

  void begin();
  void end();
  void done(Clock::time_point began, unsigned operations = 1) {
    if (!measuring_) return;
    operations_ += operations;
    latencies_.add(static_cast<std::uint64_t>((Clock::now() - began).count()));
  }
  // The first one's reason is told; the load goes on.
  void failed(const char* why) {
    ++failures_;
    if (why_.empty()) why_ = why;
  }
  void opened() { ++open_; }
  [[nodiscard]] unsigned open() const { return open_; }
  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] std::string json() const;

 private:
  [[nodiscard]] double cpu_us() const;

  const Plan& plan_;
  Histogram latencies_;
  bool measuring_ = false;
  unsigned open_ = 0;
  std::uint64_t operations_ = 0;
  std::uint64_t failures_ = 0;
  std::string why_;
  Clock::time_point began_;
  double seconds_ = 0;
  double cpu_us_ = 0;
};

}  // namespace bench
