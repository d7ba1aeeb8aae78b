#include "io/frame_pool.h"

#include <sys/mman.h>

#include <array>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

#include "base/limits.h"

namespace passerelle::io {
namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PASSERELLE_PLAIN_FRAMES 1
#endif
#endif

#ifndef PASSERELLE_PLAIN_FRAMES

constexpr std::size_t class_bytes = 16;
constexpr std::size_t classes = 257;  // frames up to 4 KiB; larger ones are rare and go to the heap
constexpr std::size_t class_of(std::size_t size) { return (size + class_bytes - 1) / class_bytes; }
constexpr std::size_t slab_bytes = 32 * kibibyte;
constexpr std::size_t slabs_a_region = 64;
// Empty ones that keep their memory, for the next busy moment.
constexpr std::size_t empty_kept_max = 32;

struct Free {
  Free* next;
};

// Memory for frames of one size; at its own beginning, and aligned to its own size.
struct Slab {
  Slab* next = nullptr;  // of those with room, in a ring
  Slab* previous = nullptr;
  Free* free = nullptr;
  std::uint32_t used = 0;
  std::uint32_t fresh = 0;  // how many were ever taken: behind them nothing was touched
  std::uint32_t room = 0;
  std::uint32_t frame_bytes = 0;
  const void* owner = nullptr;

  static Slab& of(void* frame) {
    return *reinterpret_cast<Slab*>(reinterpret_cast<std::uintptr_t>(frame) & ~(slab_bytes - 1));
  }
  void* take() {
    ++used;
    if (free != nullptr) return std::exchange(free, free->next);
    return reinterpret_cast<char*>(this) + header_bytes + std::size_t{fresh++} * frame_bytes;
  }
  void give_back(void* frame) {
    --used;
    free = new (frame) Free{free};
  }
  static constexpr std::size_t header_bytes = 64;
};
static_assert(sizeof(Slab) <= Slab::header_bytes);

// thread_local, although rule 15 knows no singletons: a promise's operator new has no other way to its
// engine. Frames of a size stand together, so that what thousands of handshakes took at once is whole pages
// when they are over, whatever stays meanwhile.
class FramePool {
 public:
  void* take(std::size_t index) {
    Slab* slab = with_room_[index];
    if (slab == nullptr) slab = begin_slab(index);
    in_use_ += slab->frame_bytes;
    void* frame = slab->take();
    if (slab->used == slab->room) unlink(index, *slab);
    return frame;
  }
  void give_back(void* frame, std::size_t index) noexcept {
    Slab& slab = Slab::of(frame);
    // What a thread that has ended left to another: its slabs are nobody's any more.
    if (slab.owner != this) return;
    in_use_ -= slab.frame_bytes;
    if (slab.used == slab.room) link(index, slab);
    slab.give_back(frame);
    if (slab.used == 0 && slab.next != &slab) end_slab(index, slab);
  }
  [[nodiscard]] std::size_t in_use() const { return in_use_; }

 private:
  Slab* begin_slab(std::size_t index) {
    if (kept_.empty() && bare_.empty()) begin_region();
    std::vector<void*>& from = kept_.empty() ? bare_ : kept_;
    auto* slab = new (from.back()) Slab;
    from.pop_back();
    slab->owner = this;
    slab->frame_bytes = static_cast<std::uint32_t>(index * class_bytes);
    slab->room = static_cast<std::uint32_t>((slab_bytes - Slab::header_bytes) / slab->frame_bytes);
    link(index, *slab);
    return slab;
  }
  void begin_region() {
    constexpr std::size_t bytes = slab_bytes * (slabs_a_region + 1);
    void* region = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (region == MAP_FAILED) throw std::bad_alloc();
    const auto first = (reinterpret_cast<std::uintptr_t>(region) + slab_bytes - 1) & ~(slab_bytes - 1);
    // Room for all there are: giving back may not fail.
    bare_.reserve(++regions_ * slabs_a_region);
    kept_.reserve(empty_kept_max);
    for (std::size_t i = slabs_a_region; i > 0; --i)
      bare_.push_back(reinterpret_cast<void*>(first + (i - 1) * slab_bytes));
  }
  void end_slab(std::size_t index, Slab& slab) noexcept {
    unlink(index, slab);
    if (kept_.size() < empty_kept_max) return kept_.push_back(&slab);
    (void)::madvise(&slab, slab_bytes, MADV_DONTNEED);
    bare_.push_back(&slab);
  }
  void link(std::size_t index, Slab& slab) noexcept {
    Slab*& head = with_room_[index];
    if (head == nullptr) {
      slab.next = slab.previous = &slab;
    } else {
      slab.next = head;
      slab.previous = head->previous;
      slab.previous->next = head->previous = &slab;
    }
    head = &slab;
  }
  void unlink(std::size_t index, Slab& slab) noexcept {
    Slab*& head = with_room_[index];
    if (slab.next == &slab) {
      head = nullptr;
      return;
    }
    slab.previous->next = slab.next;
    slab.next->previous = slab.previous;
    if (head == &slab) head = slab.next;
  }

  std::array<Slab*, classes> with_room_{};
  std::vector<void*> kept_, bare_;  // empty slabs, with their memory and without
  std::size_t regions_ = 0;
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
