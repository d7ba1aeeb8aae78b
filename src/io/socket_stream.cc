#include "io/socket_stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "io/socket_address.h"

namespace passerelle::io {
namespace {

constexpr std::uint32_t all_events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

}  // namespace

void set_stream_options(int descriptor, const Endpoint& endpoint) {
  if (endpoint.is_unix()) return;
  const KeepAlive keep_alive;
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &keep_alive.idle_seconds, sizeof(int));
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &keep_alive.interval_seconds, sizeof(int));
  setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &keep_alive.count, sizeof(int));
  // Within one machine there is no path to share: a congestion control that paces (BBR, where it is the
  // machine's) would only arm timers. Every kernel has this one, and nobody is refused it.
  constexpr std::string_view without_pacing = "reno";
  if (endpoint.ip.is_loopback())
    setsockopt(descriptor, IPPROTO_TCP, TCP_CONGESTION, without_pacing.data(), without_pacing.size());
}

Result<std::unique_ptr<SocketStream>> SocketStream::adopt(SocketEngine& engine, int descriptor) {
  auto stream = engine.make_stream(descriptor);
  if (!engine.add(descriptor, *stream, all_events)) {
    return std::unexpected(error_from_errno(errno, "epoll_ctl"));
  }
  stream->writable_ = true;
  return stream;
}

Result<std::unique_ptr<SocketStream>> SocketStream::start_connect(SocketEngine& engine,
                                                                  const Endpoint& endpoint) {
  const auto address = SocketAddress::from(endpoint);
  if (!address) return std::unexpected(address.error());
  const int descriptor = ::socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::unexpected(error_from_errno(errno, "socket"));
  if (!engine.shares().is_for_member(descriptor)) {
    ::close(descriptor);
    return fail(ErrorKind::no_resources, "socket");
  }
  set_stream_options(descriptor, endpoint);
  const bool connected = ::connect(descriptor, address->get(), address->length) == 0;
  // A UNIX socket whose backlog is full says EAGAIN: it is refused, there is nothing to wait for.
  if (!connected && errno != EINPROGRESS) {
    const int number = errno == EAGAIN ? ECONNREFUSED : errno;
    ::close(descriptor);
    return std::unexpected(error_from_errno(number, "connect"));
  }
  auto stream = adopt(engine, descriptor);
  if (stream && !connected) {
    (*stream)->connecting_ = true;
    (*stream)->writable_ = false;
  }
  return stream;
}

SocketStream::~SocketStream() { engine_.remove(descriptor_, *this); }

void SocketStream::reset_on_close() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

void SocketStream::watch(StreamWatcher* watcher) {
  watcher_ = watcher;
  if (watcher_ == nullptr || receive_ != nullptr) return;
  if (broken_)
    watcher_->on_reset();
  else if (peer_finished_)
    watcher_->on_peer_finished();
}

void SocketStream::on_events(std::uint32_t events) {
  if (connecting_) {
    // What the same edge says of a member that speaks or ends at once is not said again.
    readable_ = (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0;
    peer_finished_ = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) on_connected((events & EPOLLERR) != 0);
    return;
  }
  // One call may end in this object's destruction, so nothing is touched after a completion that could.
  const bool gone = (events & EPOLLERR) != 0;
  const bool end = (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  const bool news = (gone && !broken_) || (end && !peer_finished_);
  broken_ = broken_ || gone;
  peer_finished_ = peer_finished_ || end;
  readable_ = readable_ || (events & EPOLLIN) != 0 || gone || end;
  writable_ = writable_ || (events & EPOLLOUT) != 0 || gone;
  if (news && receive_ == nullptr && watcher_ != nullptr) {
    if (gone)
      watcher_->on_reset();
    else
      watcher_->on_peer_finished();
  }
  SendOperation* sent = nullptr;
  if (send_ != nullptr && writable_ && try_send(*send_)) {
    sent = std::exchange(send_, nullptr);
    park_.reset();
  }
  if (sent == nullptr) return run();
  // A send that completes resumes its coroutine first; bytes lent now would not survive that.
  if (readable_ && (receive_ != nullptr || watcher_ != nullptr)) engine_.run_soon(*this);
  sent->complete_now();
}

void SocketStream::run() {
  if (!readable_) return;
  if (receive_ == nullptr) {
    if (watcher_ != nullptr) watcher_->on_readable();
  } else if (try_receive(receive_->result)) {
    std::exchange(receive_, nullptr)->complete_now();
  }
}

void SocketStream::on_connected(bool failed) {
  int error = 0;
  socklen_t length = sizeof error;
  if (failed) getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
  if (connect_ == nullptr) return;
  ConnectOperation& operation = *std::exchange(connect_, nullptr);
  std::unique_ptr<SocketStream> self(static_cast<SocketStream*>(std::exchange(operation.record, nullptr)));
  connecting_ = false;
  writable_ = true;
  if (error != 0)
    operation.result.emplace(std::unexpected(error_from_errno(error, "connect")));
  else
    operation.result.emplace(std::move(self));
  operation.complete_now();
}

bool SocketStream::can_freeze() const {
  return !connecting_ && !broken_ && error_ == 0 && (send_ == nullptr || !send_->finish);
}

FrozenStream SocketStream::freeze() {
  engine_.suspend(descriptor_);
  frozen_ = true;
  Ready::unlink();
  return {descriptor_, send_ != nullptr ? send_->bytes : BytesView()};
}

void SocketStream::thaw() {
  frozen_ = false;
  // The kernel tells all there is to tell anew.
  if (!engine_.add(descriptor_, *this, all_events)) on_events(EPOLLERR);
  if (receive_ != nullptr && readable_) engine_.run_soon(*this);
}

// Receiving tells it, behind what is still here.
void SocketStream::keep_error(int number) {
  error_ = number;
  readable_ = true;
}

BytesView SocketStream::peek(MutableBytes into) {
  if (!readable_ || frozen_) return {};
  const ssize_t got = ::recv(descriptor_, into.data, into.size, MSG_PEEK | MSG_DONTWAIT);
  if (got >= 0) return {into.data, static_cast<std::size_t>(got)};
  // Nothing here is for receiving to say: splice also finds nothing in front of urgent data.
  if (errno != EAGAIN && errno != EINTR) keep_error(errno);
  return {};
}

bool SocketStream::quiet() {
  char byte = 0;
  const ssize_t got = ::recv(descriptor_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  const bool nothing = got < 0 && (errno == EAGAIN || errno == EINTR) && error_ == 0;
  if (!nothing)
    readable_ = true;
  else if (errno == EAGAIN && !peer_finished_ && !broken_)
    readable_ = false;  // said for certain: the next edge is news
  return nothing;
}

bool SocketStream::seems_quiet() {
  return !readable_ && !peer_finished_ && !broken_ && !engine_.has_news_for(*this);
}

PassedOn SocketStream::pass_on(Stream& to, std::uint64_t bytes_max) {
  const int target = to.writable_descriptor();
  const Pipe* pipe = readable_ && !frozen_ && target >= 0 ? engine_.pipe() : nullptr;
  if (pipe == nullptr) return {};
  // What the other will not take has to fit where it is lent.
  const MutableBytes buffer = engine_.receive_buffer();
  const std::size_t most = std::min<std::uint64_t>(bytes_max, buffer.size);
  const auto filled = pipe->fill(descriptor_, most);
  if (!filled) keep_error(filled.error().detail);
  const std::size_t taken = filled ? filled->value_or(0) : 0;
  if (taken == 0) return {};
  int error = 0;
  const std::size_t given = pipe->empty_into(target, taken, error);
  // A reset is one for whoever receives from there, too.
  if (error != 0 && error != EPIPE) static_cast<SocketStream&>(to).keep_error(error);
  if (given == taken) return {taken, {}};
  return {taken, pipe->read(buffer, taken - given)};
}

bool SocketStream::try_receive(Result<BytesView>& result) {
  if (!readable_ || frozen_) return false;
  const MutableBytes buffer = engine_.receive_buffer();
  const std::size_t most = std::min<std::size_t>(buffer.size, SocketEngine::received_bytes_max);
  for (;;) {
    const ssize_t got = ::recv(descriptor_, buffer.data, most, 0);
    const int number = got < 0 ? errno : 0;
    if (got <= 0 && error_ != 0) {
      result = std::unexpected(error_from_errno(error_, "receive"));
      return true;
    }
    if (got >= 0) {
      // Edge-triggered: a short read has drained the socket, and what comes later is a new edge.
      if (static_cast<std::size_t>(got) < most && !peer_finished_ && !broken_ && error_ == 0)
        readable_ = false;
      result = BytesView(buffer.data, static_cast<std::size_t>(got));
      return true;
    }
    if (number == EINTR) continue;
    if (number == EAGAIN) {
      readable_ = false;
      return false;
    }
    result = std::unexpected(error_from_errno(number, "receive"));
    return true;
  }
}

void SocketStream::wait_receive(ReceiveOperation& operation) {
  receive_ = &operation;
  if (readable_ && !frozen_) engine_.run_soon(*this);
}

void SocketStream::cancel_receive(ReceiveOperation& operation) {
  receive_ = nullptr;
  operation.complete_soon();
}

bool SocketStream::try_send(SendOperation& operation) {
  if (frozen_) return false;
  while (!operation.bytes.empty()) {
    if (!writable_) return false;
    const ssize_t sent = ::send(descriptor_, operation.bytes.data(), operation.bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      operation.bytes.remove_prefix(static_cast<std::size_t>(sent));
      // A short write has filled the socket: the next edge says when there is room.
      if (!operation.bytes.empty()) writable_ = false;
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      writable_ = false;
      return false;
    }
    if (errno != EPIPE) keep_error(errno);  // a reset is one for whoever receives, too
    operation.result = std::unexpected(error_from_errno(errno, "send"));
    return true;
  }
  if (operation.finish && ::shutdown(descriptor_, SHUT_WR) != 0) {
    operation.result = std::unexpected(error_from_errno(errno, "shutdown"));
  }
  return true;
}

void SocketStream::wait_send(SendOperation& operation) {
  park_ = engine_.parks().take();
  park_->bytes.assign(operation.bytes.begin(), operation.bytes.end());
  operation.bytes = {park_->bytes.data(), park_->bytes.size()};
  send_ = &operation;
}

void SocketStream::cancel_send(SendOperation& operation) {
  send_ = nullptr;
  park_.reset();
  operation.complete_soon();
}

std::uint32_t SocketStream::round_trip_microseconds() const {
  tcp_info info{};
  socklen_t length = sizeof info;
  return getsockopt(descriptor_, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 ? info.tcpi_rtt : 0;
}

}  // namespace passerelle::io
