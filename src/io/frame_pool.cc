#include "io/frame_pool.h"

#include <array>
#include <cstdint>
#include <new>
#include <vector>

namespace passerelle::io {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PASSERELLE_PLAIN_FRAMES 1
#endif
#endif

#ifndef PASSERELLE_PLAIN_FRAMES

constexpr std::size_t class_bytes = 64;
constexpr std::size_t classes = 64;  // frames up to 4 KiB; larger ones are rare and go to the heap
constexpr std::size_t kept_per_class_max = 256;

// thread_local, although rule 15 knows no singletons: a promise's operator new has no other way to its
// engine.
class FramePool {
 public:
  ~FramePool() {
    for (auto& list : lists_) {
      for (void* frame : list) ::operator delete(frame);
    }
  }
  void* take(std::size_t index) {
    auto& list = lists_[index];
    if (list.empty()) return ::operator new((index + 1) * class_bytes);
    void* frame = list.back();
    list.pop_back();
    return frame;
  }
  void give_back(void* frame, std::size_t index) noexcept {
    auto& list = lists_[index];
    if (list.size() >= kept_per_class_max) return ::operator delete(frame);
    if (list.capacity() == 0) list.reserve(kept_per_class_max);
    list.push_back(frame);
  }

 private:
  std::array<std::vector<void*>, classes> lists_;
};

thread_local FramePool pool;
#endif

}  // namespace

void* allocate_frame(std::size_t size) {
#ifndef PASSERELLE_PLAIN_FRAMES
  if (const std::size_t index = (size - 1) / class_bytes; index < classes) return pool.take(index);
#endif
  return ::operator new(size);
}

void free_frame(void* frame, std::size_t size) noexcept {
#ifndef PASSERELLE_PLAIN_FRAMES
  if (const std::size_t index = (size - 1) / class_bytes; index < classes)
    return pool.give_back(frame, index);
#endif
  ::operator delete(frame, size);
}

}  // namespace passerelle::io
