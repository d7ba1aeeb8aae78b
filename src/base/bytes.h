// Bytes as they travel: views that own nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace passerelle {

// A run of bytes somebody else owns. A string_view, because nearly every protocol here is text on the wire.
using BytesView = std::string_view;

// A writable run of bytes somebody else owns.
struct MutableBytes {
  char* data = nullptr;
  std::size_t size = 0;
};

inline constexpr std::size_t kibibyte = 1024;
inline constexpr std::size_t mebibyte = 1024 * kibibyte;

}  // namespace passerelle
