// For tests that run over each kind of engine: real sockets, and memory cut by a seed.
#pragma once

#include "io/engine_choice.h"
#include "io/epoll_engine.h"
#include "io/simulated_engine.h"
#include "io/system_clock.h"

namespace passerelle::testing_support {

struct Sockets {
  io::SystemClock clock;
  io::SystemRandom random;
  io::EpollEngine engine{clock, random};
};

// The same over io_uring, where the kernel allows it.
struct RingSockets {
  io::SystemClock clock;
  io::SystemRandom random;
  std::unique_ptr<io::SocketEngine> owned = io::make_engine(io::EngineKind::io_uring, clock, random);
  io::SocketEngine& engine = *owned;
};

// Pieces of at most `chunk` bytes, through a pipe that holds `pipe`.
template <std::size_t chunk, std::size_t pipe>
struct MemoryOf {
  io::SimulatedClock clock;
  SeededRandom random{7};
  io::SimulatedEngine engine{clock, random, {.chunk_bytes_max = chunk, .pipe_bytes_max = pipe}};
};

using Memory = MemoryOf<999, 20'000>;
using SmallPieces = MemoryOf<13, 4096>;
using SingleBytes = MemoryOf<1, 700>;

}  // namespace passerelle::testing_support
