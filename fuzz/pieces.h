// The input decides where it is cut: its last bytes are the lengths of the pieces (as uWebSockets'
// makeChunked does).
#pragma once

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace passerelle::fuzz {

inline std::vector<std::string_view> pieces_of(std::string_view input) {
  std::vector<std::string_view> out;
  while (!input.empty()) {
    const std::size_t wanted = static_cast<unsigned char>(input.back()) % 32 + 1;
    const std::size_t n = std::min(wanted, input.size());
    out.push_back(input.substr(0, n));
    input.remove_prefix(n);
  }
  return out;
}

// What must hold on every input; a fuzzer has no test framework.
inline void must(bool condition) {
  if (!condition) std::abort();
}

inline std::string_view as_text(const unsigned char* data, std::size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(data)), size};
}

}  // namespace passerelle::fuzz
