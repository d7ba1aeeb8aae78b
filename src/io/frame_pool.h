// Memory for coroutine frames: a free list a thread and size class, so that steady traffic allocates nothing.
#pragma once

#include <cstddef>

namespace passerelle::io {

// A frame is made and destroyed on one thread: tasks never migrate. Under AddressSanitizer these are plain
// new and delete, so that a frame used after its end is seen.
[[nodiscard]] void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

}  // namespace passerelle::io
