#include "io/frame_pool.h"

#include <array>
#include <cstdint>
#include <new>
#include <utility>

namespace passerelle::io {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PASSERELLE_PLAIN_FRAMES 1
#endif
#endif

#ifndef PASSERELLE_PLAIN_FRAMES

// The heap's own sizes: 16 apart, of which it keeps 8.
constexpr std::size_t class_bytes = 16, kept_by_heap = 8;
constexpr std::size_t classes = 256;  // frames up to 4 KiB; larger ones are rare and go to the heap
constexpr std::size_t class_of(std::size_t size) { return (size + kept_by_heap - 1) / class_bytes; }
constexpr std::size_t kept_per_class_max = 256;

// thread_local, although rule 15 knows no singletons: a promise's operator new has no other way to its
// engine.
class FramePool {
 public:
  ~FramePool() {
    for (Kept& kept : lists_) {
      while (kept.first != nullptr) ::operator delete(std::exchange(kept.first, kept.first->next));
    }
  }
  void* take(std::size_t index) {
    Kept& kept = lists_[index];
    in_use_ += (index + 1) * class_bytes;
    if (kept.first == nullptr) return ::operator new((index + 1) * class_bytes - kept_by_heap);
    --kept.count;
    return std::exchange(kept.first, kept.first->next);
  }
  void give_back(void* frame, std::size_t index) noexcept {
    Kept& kept = lists_[index];
    in_use_ -= (index + 1) * class_bytes;
    if (kept.count >= kept_per_class_max) return ::operator delete(frame);
    ++kept.count;
    kept.first = new (frame) Free{kept.first};
  }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }

 private:
  // A list through the frames themselves: the last one given back is still in the cache.
  struct Free {
    Free* next;
  };
  struct Kept {
    Free* first = nullptr;
    std::size_t count = 0;
  };
  std::array<Kept, classes> lists_;
  std::size_t in_use_ = 0;  // larger frames are not counted
};

thread_local FramePool pool;
#endif

}  // namespace

void* allocate_frame(std::size_t size) {
#ifndef PASSERELLE_PLAIN_FRAMES
  if (const std::size_t index = class_of(size); index < classes) return pool.take(index);
#endif
  return ::operator new(size);
}

void free_frame(void* frame, std::size_t size) noexcept {
#ifndef PASSERELLE_PLAIN_FRAMES
  if (const std::size_t index = class_of(size); index < classes) return pool.give_back(frame, index);
#endif
  ::operator delete(frame, size);
}

std::size_t frame_bytes_in_use() {
#ifndef PASSERELLE_PLAIN_FRAMES
  return pool.in_use();
#else
  return 0;
#endif
}

}  // namespace passerelle::io
