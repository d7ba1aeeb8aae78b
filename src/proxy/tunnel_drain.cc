#include "proxy/tunnel_drain.h"

#include <algorithm>
#include <cmath>

namespace passerelle::proxy {

void TunnelDrain::step(double left) {
  for (std::size_t i = 0; i < threads_.size(); ++i) {
    const auto may_stay =
        static_cast<std::size_t>(std::ceil(static_cast<double>(at_first_[i]) * std::max(left, 0.0)));
    threads_[i]->call([&](Worker& worker) { worker.drain_tunnels(may_stay, member_, why_, farewell_); });
  }
}

std::size_t TunnelDrain::tunnels() const {
  std::size_t out = 0;
  for (const std::size_t count : at_first_) out += count;
  return out;
}

}  // namespace passerelle::proxy
