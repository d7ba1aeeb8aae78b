#include "io/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <limits>

namespace passerelle::io {
namespace {

int open_files_limit() {
  rlimit limit{};
  constexpr rlim_t most = std::numeric_limits<int>::max();
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > most) return std::numeric_limits<int>::max();
  return static_cast<int>(limit.rlim_cur);
}

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

DescriptorShares::DescriptorShares() : DescriptorShares(open_files_limit()) {}

DescriptorShares::DescriptorShares(int limit)
    : clients_(limit - std::min(reserved_max, limit / 4)),
      members_(limit - std::min(reserved_max, limit / 4) / 2) {}

}  // namespace passerelle::io
