// A whole request body, kept until a member gets it: request buffering (behaviour sheet, section 14).
#pragma once

#include <string>

#include "base/error.h"
#include "io/temporary_file.h"

namespace passerelle::http {

// What all bodies of a worker may take together, in bytes. Its owner outlives the spools.
struct SpoolBudget {
  std::size_t max = 0;
  std::size_t used = 0;
};

// A resource of one exchange: small bodies in memory, others in a file without a name.
class BodySpool {
 public:
  static constexpr std::size_t memory_bytes_max = 64 * kibibyte;

  explicit BodySpool(SpoolBudget& budget) : budget_(budget) {}
  ~BodySpool() { budget_.used -= size_; }
  BodySpool(const BodySpool&) = delete;
  BodySpool& operator=(const BodySpool&) = delete;

  // Errors: the file's; `too_large` when the budget is spent.
  [[nodiscard]] Result<> append(BytesView bytes);

  // Begins anew with the first byte.
  void rewind() { at_ = 0; }
  // The next piece, valid until the next call; empty at the end.
  [[nodiscard]] Result<BytesView> read();
  [[nodiscard]] bool at_end() const { return at_ == size_; }

 private:
  SpoolBudget& budget_;
  std::string memory_;  // the body, or a piece of the file
  io::TemporaryFile file_;
  std::size_t size_ = 0;
  std::size_t at_ = 0;
};

}  // namespace passerelle::http
