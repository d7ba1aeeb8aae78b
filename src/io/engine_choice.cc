#include "io/engine_choice.h"

#include "io/epoll_engine.h"
#include "io/uring_engine.h"

namespace passerelle::io {

EngineKind engine_kind(std::string_view name) {
  if (name == "epoll") return EngineKind::epoll;
  if (name == "io_uring") return EngineKind::io_uring;
  return EngineKind::automatic;
}

std::unique_ptr<SocketEngine> make_engine(EngineKind kind, Clock& clock, Random& random) {
  if (kind != EngineKind::epoll) {
    if (auto uring = Uring::open()) return std::make_unique<UringEngine>(clock, random, std::move(uring));
  }
  return std::make_unique<EpollEngine>(clock, random);
}

}  // namespace passerelle::io
