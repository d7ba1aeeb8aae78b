// For tests that run over each kind of engine: real sockets, and memory cut by a seed.
#pragma once

#include "io/epoll_engine.h"
#include "io/simulated_engine.h"
#include "io/system_clock.h"

namespace passerelle::testing_support {

struct Sockets {
  io::SystemClock clock;
  io::SystemRandom random;
  io::EpollEngine engine{clock, random};
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
