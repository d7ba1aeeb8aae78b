#include "telemetry/line_target.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "io/socket_address.h"

namespace passerelle::telemetry {
namespace {

constexpr std::string_view syslog_word = "syslog";
constexpr std::string_view local_daemon = "unix:/dev/log";
constexpr int priority = 16 * 8 + 6;  // local0, info (RFC 5424 section 6.2.1)

class SyslogTarget final : public LineTarget {
 public:
  // `head`: of every datagram.
  SyslogTarget(io::SocketAddress address, std::string head) : address_(address), head_(std::move(head)) {}
  SyslogTarget(const SyslogTarget&) = delete;
  SyslogTarget& operator=(const SyslogTarget&) = delete;
  ~SyslogTarget() override {
    if (socket_ >= 0) ::close(socket_);
  }

  // False: errno says why.
  [[nodiscard]] bool connect() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = ::socket(address_.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return socket_ >= 0 && ::connect(socket_, address_.get(), address_.length) == 0;
  }

  void write(std::string_view lines) override {
    while (!lines.empty()) {
      const auto [line, rest] = split_once(lines, '\n');
      datagram_ = head_;
      datagram_ += line;
      // Once more after a daemon's restart; a line that is too long for a datagram stays unsaid, as does one
      // that there is no room for.
      if (!send() && errno != EMSGSIZE && errno != EAGAIN && connect()) (void)send();
      lines = rest;
    }
  }

 private:
  [[nodiscard]] bool send() const {
    // A daemon that does not read costs lines, and nobody's time.
    return ::send(socket_, datagram_.data(), datagram_.size(), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
  }

  const io::SocketAddress address_;
  const std::string head_;
  int socket_ = -1;
  std::string datagram_;
};

std::string own_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "-";
}

}  // namespace

FileTarget::~FileTarget() {
  if (!path_.empty()) ::close(descriptor_);
}

void FileTarget::reopen() {
  if (path_.empty()) return;
  const int fresh = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fresh >= 0) ::close(std::exchange(descriptor_, fresh));
}

void FileTarget::write(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written >= 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{descriptor_, POLLOUT, 0};
      ::poll(&writable, 1, 1000);
    } else if (errno != EINTR) {
      return;  // a closed pipe or a full disk: the traffic goes on without its log
    }
  }
}

bool is_syslog(std::string_view to) { return split_once(to, ':').first == syslog_word; }

std::expected<std::unique_ptr<LineTarget>, std::string> open_syslog(std::string_view to) {
  const std::string_view where = to == syslog_word ? local_daemon : to.substr(syslog_word.size() + 1);
  const auto endpoint = Endpoint::parse(where);
  const auto address = endpoint ? io::SocketAddress::from(*endpoint) : std::unexpected(Error{});
  if (!address)
    return std::unexpected(fmt::format(
        "'{}' is no place for syslog: write syslog, syslog:ADDRESS:PORT or syslog:unix:PATH", to));
  std::string head = endpoint->is_unix() ? fmt::format("<{}>passerelle[{}]: ", priority, ::getpid())
                                         : fmt::format("<{}>1 - {} passerelle {} access - ", priority,
                                                       own_name(), ::getpid());
  auto out = std::make_unique<SyslogTarget>(*address, std::move(head));
  if (!out->connect())
    return std::unexpected(fmt::format("syslog does not listen on {}: {}", where, std::strerror(errno)));
  return out;
}

}  // namespace passerelle::telemetry
