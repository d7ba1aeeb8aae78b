#include "recorder.h"

#include <fmt/core.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>

namespace bench {

std::size_t Histogram::index(std::uint64_t number) {
  if (number < steps) return number;
  const auto exponent =
      static_cast<std::size_t>(std::bit_width(number)) - 5;  // so that 16 ≤ number >> it < 32
  return (exponent + 1) * steps + ((number >> exponent) - steps);
}

double Histogram::quantile_us(double quantile) const {
  auto left = static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_)));
  for (std::size_t i = 0; i < classes_.size(); ++i) {
    if (classes_[i] < left) {
      left -= classes_[i];
      continue;
    }
    if (left == 0) return 0;
    if (i < steps) return static_cast<double>(i) / 1e3;
    const std::size_t exponent = (i / steps) - 1;
    return static_cast<double>((i % steps) + steps) * static_cast<double>(std::uint64_t{1} << exponent) / 1e3;
  }
  return 0;
}

// The scheduler's own nanoseconds over all threads, where ticks would be a hundredth of a second each.
double Recorder::cpu_us() const {
  double out = 0;
  for (const int process : plan_.watched) {
    std::error_code none;
    for (const auto& task :
         std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process), none)) {
      std::ifstream file(task.path() / "schedstat");
      double nanoseconds = 0;
      if (file >> nanoseconds) out += nanoseconds / 1e3;
    }
  }
  return out;
}

void Recorder::begin() {
  measuring_ = true;
  cpu_us_ = cpu_us();
  began_ = Clock::now();
}

void Recorder::end() {
  measuring_ = false;
  seconds_ = std::chrono::duration<double>(Clock::now() - began_).count();
  cpu_us_ = cpu_us() - cpu_us_;
}

std::string Recorder::json() const {
  const auto count = static_cast<double>(operations_);
  return fmt::format(
      R"({{"operations": {}, "seconds": {:.6f}, "per_second": {:.1f}, "cpu_us": {:.4f}, "busy": {:.3f}, "p50_us": {:.2f}, "p99_us": {:.2f}, "p999_us": {:.2f}, "failures": {}, "why": "{}"}})",
      operations_, seconds_, count / seconds_, operations_ == 0 ? 0.0 : cpu_us_ / count,
      cpu_us_ / 1e6 / seconds_, latencies_.quantile_us(0.5), latencies_.quantile_us(0.99),
      latencies_.quantile_us(0.999), failures_, why_);
}

}  // namespace bench
