// The Date field: RFC 9110 section 5.6.7, IMF-fixdate.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace passerelle {

// Keeps the text of the current second, so that a busy worker formats it once. One thread.
class HttpDate {
 public:
  [[nodiscard]] std::string_view at(WallTime time);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

}  // namespace passerelle
