// A pipe of the kernel's, through which bytes go from one socket to another without being copied here.
#pragma once

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/error.h"

namespace passerelle::io {

// A resource of one engine, on its thread. Whoever fills it empties it before anybody else's turn.
class Pipe {
 public:
  Pipe();
  ~Pipe();
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  // False where the process has no descriptors left for it.
  [[nodiscard]] bool is_open() const { return read_ >= 0; }
  // As much of what a socket has now; 0 at its end, none where it has nothing. An error is told once, and
  // only here: the kernel forgets it.
  [[nodiscard]] Result<std::optional<std::size_t>> fill(int from, std::size_t bytes_max) const;
  // As much of it as a socket takes now. `error`: of the socket's, told once, and only here; else it stays.
  [[nodiscard]] std::size_t empty_into(int to, std::size_t bytes, int& error) const;
  // The last of it.
  [[nodiscard]] BytesView read(MutableBytes buffer, std::size_t bytes) const;

 private:
  int read_ = -1;
  int write_ = -1;
};

}  // namespace passerelle::io
