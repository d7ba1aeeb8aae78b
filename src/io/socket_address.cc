#include "io/socket_address.h"

#include <netinet/in.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace passerelle::io {

Result<SocketAddress> SocketAddress::from(const Endpoint& endpoint) {
  SocketAddress out;
  if (endpoint.is_unix()) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (endpoint.unix_path.size() >= sizeof address.sun_path) {
      return fail(ErrorKind::too_large, "the path of a UNIX socket may have 107 bytes");
    }
    std::memcpy(address.sun_path, endpoint.unix_path.data(), endpoint.unix_path.size());
    out.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + endpoint.unix_path.size() + 1);
    std::memcpy(&out.storage, &address, sizeof address);
  } else if (endpoint.ip.v6) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(endpoint.port);
    std::memcpy(&address.sin6_addr, endpoint.ip.bytes.data(), 16);
    out.length = sizeof address;
    std::memcpy(&out.storage, &address, sizeof address);
  } else {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    std::memcpy(&address.sin_addr, endpoint.ip.bytes.data(), 4);
    out.length = sizeof address;
    std::memcpy(&out.storage, &address, sizeof address);
  }
  return out;
}

Endpoint SocketAddress::to_endpoint() const {
  Endpoint out;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 address{};
    std::memcpy(&address, &storage, sizeof address);
    out.ip.v6 = true;
    std::memcpy(out.ip.bytes.data(), &address.sin6_addr, 16);
    out.port = ntohs(address.sin6_port);
    // Of a socket for both families.
    if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
      constexpr std::size_t before = 12;
      out.ip = {};
      std::memcpy(out.ip.bytes.data(), &address.sin6_addr.s6_addr[before], 4);
    }
  } else if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    std::memcpy(out.ip.bytes.data(), &address.sin_addr, 4);
    out.port = ntohs(address.sin_port);
  } else if (storage.ss_family == AF_UNIX) {
    sockaddr_un address{};
    std::memcpy(&address, &storage, sizeof address);
    out.unix_path = address.sun_path;
  }
  return out;
}

}  // namespace passerelle::io
