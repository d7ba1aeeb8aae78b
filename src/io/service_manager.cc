#include "io/service_manager.h"

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

}  // namespace passerelle::io
