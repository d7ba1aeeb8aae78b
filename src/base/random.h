// Randomness comes in through the constructor, like the clock.
#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace passerelle {

// Owned by an engine and used on its thread only. The system's is fit for keys; the seeded one is for tests.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  [[nodiscard]] std::uint64_t next() {
    std::uint64_t value = 0;
    fill({static_cast<char*>(static_cast<void*>(&value)), sizeof value});
    return value;
  }
};

// SplitMix64: small, well spread, the same on every machine. For tests and simulation only.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(MutableBytes out) override {
    for (std::size_t i = 0; i < out.size; ++i) {
      if (i % 8 == 0) word_ = step();
      out.data[i] = static_cast<char>(word_ >> (8 * (i % 8)));
    }
  }

 private:
  std::uint64_t step() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
  std::uint64_t word_ = 0;
};

}  // namespace passerelle
