#include "io/service_manager.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "io/socket_address.h"

namespace passerelle::io {

void notify_service_manager(std::string_view state) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') return;
  auto address = SocketAddress::from(Endpoint{{}, 0, path});
  if (!address) return;
  if (*path == '@') {  // an abstract socket: its first byte is zero, and it ends where its length says
    static_cast<char*>(static_cast<void*>(&address->storage))[sizeof(sa_family_t)] = '\0';
    address->length -= 1;
  }
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL, address->get(), address->length);
  ::close(descriptor);
}

std::vector<ListeningSocket> take_service_sockets() {
  constexpr int first = 3;  // SD_LISTEN_FDS_START
  const auto number_in = [](const char* name) {
    const char* text = std::getenv(name);
    return text != nullptr ? std::atoi(text) : 0;
  };
  std::vector<ListeningSocket> out;
  if (number_in("LISTEN_PID") == ::getpid()) {
    for (int i = 0; i < number_in("LISTEN_FDS"); ++i) {
      Descriptor descriptor(first + i);
      SocketAddress bound;
      bound.length = sizeof bound.storage;
      int listens = 0;
      socklen_t size = sizeof listens;
      // A datagram socket, or a connection (Accept=yes), has an address too.
      if (::getsockopt(descriptor.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
        continue;
      if (::getsockname(descriptor.get(), bound.get(), &bound.length) != 0) continue;
      ::fcntl(descriptor.get(), F_SETFD, FD_CLOEXEC);
      ::fcntl(descriptor.get(), F_SETFL, ::fcntl(descriptor.get(), F_GETFL) | O_NONBLOCK);
      out.push_back({bound.to_endpoint(), std::move(descriptor)});
    }
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
  return out;
}

}  // namespace passerelle::io
