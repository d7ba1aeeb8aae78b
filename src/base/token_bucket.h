// How often something may happen: so many at once, and so many a second in the long run.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace passerelle {

struct Rate {
  double burst = 0;
  double per_second = 0;
};

// A value of whoever is limited. It begins full.
class TokenBucket {
 public:
  explicit TokenBucket(const Rate& rate) : rate_(rate), tokens_(rate.burst) {}

  // False: this one, or so many, is too many.
  [[nodiscard]] bool take(TimePoint now, double amount = 1) {
    const double seconds = std::chrono::duration<double>(now - filled_).count();
    // More than the burst only where it was credited.
    tokens_ = std::min(std::max(rate_.burst, tokens_), tokens_ + std::max(seconds, 0.0) * rate_.per_second);
    filled_ = now;
    if (tokens_ < amount) return false;
    tokens_ -= amount;
    return true;
  }
  // As many more, once, as so much time would have brought.
  void credit(Duration time) { tokens_ += std::chrono::duration<double>(time).count() * rate_.per_second; }
  void give_back(double tokens) { tokens_ = std::min(rate_.burst, tokens_ + tokens); }

 private:
  Rate rate_;
  double tokens_;
  TimePoint filled_{};
};

}  // namespace passerelle
