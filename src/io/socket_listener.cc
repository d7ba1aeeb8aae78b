#include "io/socket_listener.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/socket_address.h"
#include "io/socket_stream.h"

namespace passerelle::io {
namespace {

// While neither descriptors nor memory can be had, look again this often instead of spinning.
constexpr std::chrono::milliseconds starved_retry{100};

std::unexpected<Error> close_and_fail(int descriptor, const char* what) {
  const Error error = error_from_errno(errno, what);
  ::close(descriptor);
  return std::unexpected(error);
}

}  // namespace

Result<std::unique_ptr<Listener>> SocketListener::open(SocketEngine& engine, const Endpoint& endpoint,
                                                       const ListenOptions& options) {
  auto address = SocketAddress::from(endpoint);
  if (!address) return std::unexpected(address.error());
  const int descriptor = ::socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return std::unexpected(error_from_errno(errno, "socket"));
  const int on = 1;
  if (!endpoint.is_unix()) {
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (options.reuse_port) setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (endpoint.ip.v6) setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(descriptor, address->get(), address->length) != 0) return close_and_fail(descriptor, "bind");
  if (::listen(descriptor, options.backlog) != 0) return close_and_fail(descriptor, "listen");
  return adopt(engine, descriptor, options);
}

Result<std::unique_ptr<Listener>> SocketListener::adopt(SocketEngine& engine, int descriptor,
                                                        const ListenOptions& options) {
  SocketAddress bound;
  bound.length = sizeof bound.storage;
  if (::getsockname(descriptor, bound.get(), &bound.length) != 0)
    return close_and_fail(descriptor, "getsockname");
  if (options.for_clients)
    set_stream_options(descriptor, bound.to_endpoint());  // accepted sockets inherit them
  std::unique_ptr<SocketListener> listener(
      new SocketListener(engine, descriptor, bound.to_endpoint(), options.for_clients));
  if (!engine.add(descriptor, *listener, EPOLLIN | EPOLLET))
    return std::unexpected(error_from_errno(errno, "epoll_ctl"));
  return listener;
}

SocketListener::SocketListener(SocketEngine& engine, int descriptor, Endpoint local, bool for_clients)
    : engine_(engine), local_(std::move(local)), descriptor_(descriptor), for_clients_(for_clients) {}

SocketListener::~SocketListener() { engine_.remove(descriptor_, *this); }

void SocketListener::on_events(std::uint32_t events) {
  readable_ = readable_ || events != 0;
  if (accept_ != nullptr && try_accept(*accept_)) std::exchange(accept_, nullptr)->complete_now();
}

bool SocketListener::try_accept(AcceptOperation& operation) {
  if (Timer::armed()) return false;  // starved: looks again when it fires
  while (readable_) {
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    const int descriptor = ::accept4(descriptor_, peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0 && for_clients_ && !engine_.shares().is_for_client(descriptor)) {
      ::close(descriptor);
      ++refused_;
      continue;
    }
    if (descriptor >= 0) {
      auto stream = SocketStream::adopt(engine_, descriptor);
      if (!stream) continue;  // out of epoll memory: this connection is refused, the rest go on
      operation.result.emplace(Accepted{std::move(*stream), peer.to_endpoint()});
      return true;
    }
    if (errno == EAGAIN) {
      readable_ = false;
      return tell_refused(operation);
    }
    if (errno == EINVAL || errno == EOPNOTSUPP || errno == EBADF || errno == ENOTSOCK) {
      operation.result.emplace(std::unexpected(error_from_errno(errno, "accept")));
      return true;
    }
    if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
      continue;  // that one connection failed before we took it (accept(2): treat like EAGAIN, try again)
    // The machine's end, not our share's: they wait in the backlog, and somebody learns of it.
    engine_.timers().arm(*this, engine_.now() + starved_retry);
    operation.result.emplace(fail(ErrorKind::no_resources, "accept"));
    return true;
  }
  return false;
}

bool SocketListener::tell_refused(AcceptOperation& operation) {
  if (std::exchange(refused_told_, refused_) == refused_) return false;
  operation.result.emplace(fail(ErrorKind::no_resources, "accept"));
  return true;
}

void SocketListener::wait_accept(AcceptOperation& operation) {
  accept_ = &operation;
  if (readable_ && !Timer::armed()) engine_.run_soon(*this);
}

void SocketListener::cancel_accept(AcceptOperation& operation) {
  accept_ = nullptr;
  operation.complete_soon();
}

}  // namespace passerelle::io
