#include "http/body_spool.h"

#include <utility>

namespace passerelle::http {

Result<> BodySpool::append(BytesView bytes) {
  if (budget_.max - budget_.used < bytes.size())
    return std::unexpected(Error{ErrorKind::too_large, {}, 0, "spool_bytes_max is reached"});
  if (file_.size() == 0 && size_ + bytes.size() <= memory_bytes_max) {
    memory_ += bytes;
  } else {
    if (file_.size() == 0 && !memory_.empty()) {
      if (auto moved = file_.append(memory_); !moved) return moved;
    }
    if (auto written = file_.append(bytes); !written) return written;
  }
  size_ += bytes.size();
  budget_.used += bytes.size();
  return {};
}

Result<BytesView> BodySpool::read() {
  if (file_.size() == 0) return BytesView(memory_).substr(std::exchange(at_, size_));
  memory_.resize(memory_bytes_max);
  const auto got = file_.read(at_, {memory_.data(), memory_.size()});
  if (!got) return std::unexpected(got.error());
  at_ += *got;
  return BytesView(memory_).substr(0, *got);
}

}  // namespace passerelle::http
