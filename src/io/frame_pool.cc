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
constexpr std::size_t empty_kept_max = 16;
// Frames of a size that stay at hand outside their slabs: what one request gives back the next one takes.
constexpr std::uint32_t at_hand_max = 4;

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
    AtHand& at_hand = at_hand_[index];
    if (at_hand.first != nullptr) {
      --at_hand.count;
      return std::exchange(at_hand.first, at_hand.first->next);
    }
    return take_from_slab(index);
  }
  void give_back(void* frame, std::size_t index) noexcept {
    AtHand& at_hand = at_hand_[index];
    // What a thread that has ended left to another: its slabs are nobody's any more.
    if (Slab::of(frame).owner != this) return;
    if (at_hand.count == at_hand_max) return give_back_to_slab(frame, index);
    ++at_hand.count;
    at_hand.first = new (frame) Free{at_hand.first};
  }
  [[nodiscard]] std::size_t in_use() const {
    std::size_t at_hand = 0;
    for (std::size_t index = 0; index < classes; ++index)
      at_hand += at_hand_[index].count * index * class_bytes;
    return in_slabs_ - at_hand;
  }

 private:
  struct AtHand {
    Free* first = nullptr;
    std::size_t count = 0;
  };
  // Apart, so that what nearly always happens is a few instructions without a frame of its own.
  [[gnu::noinline]] void* take_from_slab(std::size_t index) {
    Slab* slab = with_room_[index];
    if (slab == nullptr) slab = begin_slab(index);
    in_slabs_ += slab->frame_bytes;
    void* frame = slab->take();
    if (slab->used == slab->room) unlink(index, *slab);
    return frame;
  }
  [[gnu::noinline]] void give_back_to_slab(void* frame, std::size_t index) noexcept {
    Slab& slab = Slab::of(frame);
    in_slabs_ -= slab.frame_bytes;
    if (slab.used == slab.room) link(index, slab);
    slab.give_back(frame);
    if (slab.used == 0 && slab.next != &slab) end_slab(index, slab);
  }
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

  std::array<AtHand, classes> at_hand_{};
  std::array<Slab*, classes> with_room_{};
  std::vector<void*> kept_, bare_;  // empty slabs, with their memory and without
  std::size_t regions_ = 0;
  std::size_t in_slabs_ = 0;  // taken from them; larger frames are not counted
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
