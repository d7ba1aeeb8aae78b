#include "control/state_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/text.h"

namespace passerelle::control {
namespace {

constexpr std::size_t secret_bytes = 32;

std::string default_path() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value != nullptr ? value : "");
  };
  // systemd lists several folders divided by ':'.
  if (const auto service = variable("STATE_DIRECTORY"); !service.empty())
    return service.substr(0, service.find(':'));
  if (const auto state = variable("XDG_STATE_HOME"); !state.empty()) return state + "/passerelle";
  if (const auto home = variable("HOME"); !home.empty()) return home + "/.local/state/passerelle";
  return "/var/lib/passerelle";
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string read_line(const std::string& path) {
  std::string text = read_file(path);
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// False: errno says why.
bool write_new(const std::string& path, const std::string& text) {
  ::unlink(path.c_str());  // of one that was killed half way
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return false;
  const bool written = write_all(descriptor, text) && ::fsync(descriptor) == 0;
  const int why = errno;
  ::close(descriptor);
  errno = why;
  return written;
}

// What was renamed or removed in a folder is so after a crash only then. False: errno says why.
bool sync_folder(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool synced = ::fsync(descriptor) == 0;
  const int why = errno;
  ::close(descriptor);
  errno = why;
  return synced;
}

std::unexpected<std::string> cannot_write(const std::string& path, std::string_view why) {
  return std::unexpected(
      fmt::format("{} cannot be written: {}; name another folder with --state DIR", path, why));
}

}  // namespace

StateFolder::StateFolder(std::string path) : path_(path.empty() ? default_path() : std::move(path)) {}

std::expected<std::string, std::string> StateFolder::secret(const std::string& name, Random& random) const {
  const std::string path = path_ + "/" + name;
  if (std::string known = read_line(path); known.size() >= secret_bytes)
    return known;
  else if (!known.empty())
    return std::unexpected(
        fmt::format("{} holds less than {} bytes, so it is no secret; remove it", path, secret_bytes));
  const std::error_code error = make();
  std::array<char, secret_bytes> bytes{};
  random.fill({bytes.data(), bytes.size()});
  std::string made;
  append_hex(made, {bytes.data(), bytes.size()});
  // Written whole beside its place, then put there unless somebody was faster.
  const std::string draft = fmt::format("{}.{}", path, ::getpid());
  if (!error && !write_new(draft, made + "\n")) {
    const int why = errno;
    ::unlink(draft.c_str());
    errno = why;
  } else if (!error) {
    const bool placed = ::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST;
    const int why = errno;
    ::unlink(draft.c_str());
    if (std::string known = read_line(path); placed && known.size() >= secret_bytes) return known;
    errno = placed ? EIO : why;
  }
  return cannot_write(path, error ? error.message() : std::strerror(errno));
}

std::string StateFolder::known_secret(const std::string& name) const { return read_line(path_of(name)); }

std::error_code StateFolder::make() const {
  std::error_code error;
  if (std::filesystem::create_directories(path_, error)) ::chmod(path_.c_str(), 0700);
  return error;
}

std::string StateFolder::read(const std::string& name) const { return read_file(path_of(name)); }

std::expected<void, std::string> StateFolder::replace(const std::string& name,
                                                      const std::string& text) const {
  const std::string path = path_of(name);
  const std::string draft = fmt::format("{}.new", path);
  if (const std::error_code error = make()) return cannot_write(path, error.message());
  if (write_new(draft, text) && ::rename(draft.c_str(), path.c_str()) == 0 && sync_folder(path_)) return {};
  const int why = errno;
  ::unlink(draft.c_str());
  return cannot_write(path, std::strerror(why));
}

std::expected<void, std::string> StateFolder::remove(const std::string& name) const {
  const std::string path = path_of(name);
  if ((::unlink(path.c_str()) == 0 || errno == ENOENT) && (sync_folder(path_) || errno == ENOENT)) return {};
  return cannot_write(path, std::strerror(errno));
}

std::expected<void, std::string> StateFolder::hold() const {
  const std::string path = path_of("lock");
  if (const std::error_code error = make()) return cannot_write(path, error.message());
  // Never closed, and open in a process that takes over: the lock is that of what is open.
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT, 0600);  // NOLINT(android-cloexec-open)
  if (descriptor < 0) return cannot_write(path, std::strerror(errno));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return {};
  ::close(descriptor);
  return std::unexpected(fmt::format(
      "another Passerelle runs on {}; stop it, or give this one a folder of its own with --state DIR",
      path_));
}

}  // namespace passerelle::control
