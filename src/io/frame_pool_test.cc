// Frames of any size, in any order: nobody gets what another has, and pages go back when nobody has them.
#include "io/frame_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <vector>

#include "base/limits.h"
#include "base/random.h"

namespace passerelle::io {
namespace {

struct Held {
  unsigned char* frame = nullptr;
  std::size_t size = 0;
  unsigned char mark = 0;
};

bool is_untouched(const Held& held) {
  for (std::size_t i = 0; i < held.size; ++i) {
    if (held.frame[i] != held.mark) return false;
  }
  return true;
}

TEST(FramePool, WhoeverHoldsAFrameHoldsItAlone) {
  SeededRandom random(1);
  const std::size_t before = frame_bytes_in_use();
  std::vector<Held> held;
  for (int i = 0; i < 200'000; ++i) {
    // Now more of them, now fewer.
    const bool take = held.empty() || random.next() % 8 < (i / 20'000 % 2 == 0 ? 5U : 3U);
    if (take) {
      const std::size_t size = 1 + random.next() % (i % 100 == 0 ? 6000 : 700);
      auto* frame = static_cast<unsigned char*>(allocate_frame(size));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(frame) % 16, 0U);
      const auto mark = static_cast<unsigned char>(random.next());
      std::memset(frame, mark, size);
      held.push_back({frame, size, mark});
    } else {
      std::swap(held[random.next() % held.size()], held.back());
      ASSERT_TRUE(is_untouched(held.back()));
      free_frame(held.back().frame, held.back().size);
      held.pop_back();
    }
  }
  for (const Held& each : held) {
    ASSERT_TRUE(is_untouched(each));
    free_frame(each.frame, each.size);
  }
  EXPECT_EQ(frame_bytes_in_use(), before);
}

std::size_t resident_bytes() {
  std::size_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * 4 * kibibyte;
}

#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

TEST(FramePool, WhatABusyMomentTookGoesBackThoughSomethingElseStays) {
  if (sanitized) GTEST_SKIP() << "a sanitizer keeps memory of its own";
  constexpr std::size_t count = 20'000, large = 1000, small = 100;
  std::vector<void*> gone, staying;
  const std::size_t before = frame_bytes_in_use(), resident_before = resident_bytes();
  for (std::size_t i = 0; i < count; ++i) {
    gone.push_back(allocate_frame(large));
    std::memset(gone.back(), 1, large);
    staying.push_back(allocate_frame(small));
    std::memset(staying.back(), 1, small);
  }
  EXPECT_GT(resident_bytes(), resident_before + count * large);
  for (void* frame : gone) free_frame(frame, large);
  EXPECT_LT(resident_bytes(), resident_before + 2 * count * small + 2 * mebibyte);
  for (void* frame : staying) free_frame(frame, small);
  EXPECT_EQ(frame_bytes_in_use(), before);
}

}  // namespace
}  // namespace passerelle::io
