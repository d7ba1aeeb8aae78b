#include "io/pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace passerelle::io {
namespace {

// Each slot takes one fragment of a packet, which may be as small as a packet on an Ethernet.
constexpr int capacity_bytes = 1024 * static_cast<int>(kibibyte);  // the most an ordinary user may have
constexpr unsigned at_once = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;

}  // namespace

Pipe::Pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_NONBLOCK | O_CLOEXEC) != 0) return;
  read_ = ends[0];
  write_ = ends[1];
  // Where it may not be larger it serves as it is.
  (void)::fcntl(write_, F_SETPIPE_SZ, capacity_bytes);
}

Pipe::~Pipe() {
  if (!is_open()) return;
  ::close(read_);
  ::close(write_);
}

Result<std::optional<std::size_t>> Pipe::fill(int from, std::size_t bytes_max) const {
  const ssize_t got = ::splice(from, nullptr, write_, nullptr, bytes_max, at_once);
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno == EAGAIN || errno == EINTR) return std::nullopt;
  return std::unexpected(error_from_errno(errno, "splice"));
}

std::size_t Pipe::empty_into(int to, std::size_t bytes, int& error) const {
  std::size_t given = 0;
  while (given < bytes) {
    const ssize_t sent = ::splice(read_, nullptr, to, nullptr, bytes - given, at_once);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) error = errno;
    if (sent <= 0) break;
    given += static_cast<std::size_t>(sent);
  }
  return given;
}

BytesView Pipe::read(MutableBytes buffer, std::size_t bytes) const {
  std::size_t have = 0;
  while (have < bytes) {
    const ssize_t got = ::read(read_, buffer.data + have, bytes - have);
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  return {buffer.data, have};
}

}  // namespace passerelle::io
