#include "io/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>

namespace passerelle::io {
namespace {

// O_TMPFILE where the file system knows it; else a file whose name goes at once.
int open_unnamed() {
  const char* chosen = std::getenv("TMPDIR");
  const std::string folder = chosen != nullptr && *chosen != '\0' ? chosen : "/tmp";
  const int unnamed = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (unnamed >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return unnamed;
  std::string name = folder + "/passerelle-XXXXXX";
  const int named = ::mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) ::unlink(name.c_str());
  return named;
}

}  // namespace

TemporaryFile::~TemporaryFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<> TemporaryFile::append(BytesView bytes) {
  if (descriptor_ < 0) descriptor_ = open_unnamed();
  if (descriptor_ < 0) return std::unexpected(error_from_errno(errno, "a temporary file cannot be made"));
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::unexpected(error_from_errno(errno, "a temporary file cannot be written"));
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<std::size_t> TemporaryFile::read(std::uint64_t at, MutableBytes out) const {
  for (;;) {
    const ssize_t got = ::pread(descriptor_, out.data, out.size, static_cast<off_t>(at));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return std::unexpected(error_from_errno(errno, "a temporary file cannot be read"));
  }
}

}  // namespace passerelle::io
