#include "telemetry/line_sink.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/thread_name.h"

namespace passerelle::telemetry {

LineSink::LineSink(int descriptor, std::string path)
    : descriptor_(descriptor), path_(std::move(path)), thread_([this] { run(); }) {}

LineSink::~LineSink() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
  if (!path_.empty()) ::close(descriptor_);
}

void LineSink::write(std::string_view lines) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + lines.size() > buffered_bytes_max) {
      ++dropped_;
      return;
    }
    first = pending_.empty();
    pending_ += lines;
  }
  if (first) wake_.notify_one();
}

void LineSink::run() {
  name_this_thread("log writer");
  std::string writing;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !pending_.empty(); });
      if (pending_.empty()) return;
      writing.clear();
      writing.swap(pending_);
    }
    if (reopen_.exchange(false) && !path_.empty()) {
      const int fresh = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
      if (fresh >= 0) ::close(std::exchange(descriptor_, fresh));
    }
    write_out(writing);
  }
}

void LineSink::write_out(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{descriptor_, POLLOUT, 0};
      ::poll(&writable, 1, 1000);
    } else if (errno != EINTR) {
      return;  // a closed pipe or a full disk: the traffic goes on without its log
    }
  }
}

}  // namespace passerelle::telemetry
