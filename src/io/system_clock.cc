#include "io/system_clock.h"

#include <sys/random.h>

#include <algorithm>
#include <cstring>
#include <exception>

namespace passerelle::io {

void SystemRandom::fill(MutableBytes out) {
  while (out.size > 0) {
    if (left_ == 0) {
      // Up to 256 bytes never fail nor come short once the kernel is seeded; a KiB may be cut by a signal.
      ssize_t got = 0;
      while ((got = getrandom(pool_, sizeof pool_, 0)) < 0) {
        if (errno != EINTR) std::terminate();
      }
      left_ = static_cast<std::size_t>(got);
    }
    const std::size_t n = std::min(out.size, left_);
    std::memcpy(out.data, pool_ + left_ - n, n);
    std::memset(pool_ + left_ - n, 0, n);
    left_ -= n;
    out.data += n;
    out.size -= n;
  }
}

}  // namespace passerelle::io
