// Memory for coroutine frames, and for what lives beside them: streams, tunnels. By thread and size, in
// slabs: steady traffic allocates nothing, and what thousands of handshakes took at once is whole pages when
// they are over, which the system has back, whatever stays meanwhile.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace passerelle::io {

// A frame is made and destroyed on one thread: tasks never migrate. (One that a thread's end left over, and
// another destroys, is never used again.) Under AddressSanitizer these are plain new and delete, so that a
// frame used after its end is seen.
[[nodiscard]] void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;
// What this thread has of them now; 0 under AddressSanitizer.
[[nodiscard]] std::size_t frame_bytes_in_use();

struct FreeFrame {
  template <class T>
  void operator()(T* item) const noexcept {
    std::destroy_at(item);
    free_frame(item, sizeof(T));
  }
};
template <class T>
using Pooled = std::unique_ptr<T, FreeFrame>;

template <class T, class... Arguments>
[[nodiscard]] Pooled<T> make_pooled(Arguments&&... arguments) {
  return Pooled<T>(new (allocate_frame(sizeof(T))) T(std::forward<Arguments>(arguments)...));
}

}  // namespace passerelle::io
