// A file without a name, for what is too large to keep in memory; gone with its descriptor.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/error.h"

namespace passerelle::io {

// A resource of one thread. In $TMPDIR or /tmp. Writes go to the page cache: they do not wait for the disk as
// a rule, and no engine could make them wait better.
class TemporaryFile {
 public:
  TemporaryFile() = default;
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  // Opens it at the first call. Errors: `no_resources` (descriptors, disk), `denied`.
  [[nodiscard]] Result<> append(BytesView bytes);
  // What there is from `at` on, at most `out.size`; 0: the end.
  [[nodiscard]] Result<std::size_t> read(std::uint64_t at, MutableBytes out) const;
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

}  // namespace passerelle::io
