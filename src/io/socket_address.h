// Between Endpoint and the kernel's sockaddr.
#pragma once

#include <sys/socket.h>

#include "base/endpoint.h"
#include "base/error.h"

namespace passerelle::io {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;

  [[nodiscard]] static Result<SocketAddress> from(const Endpoint& endpoint);
  [[nodiscard]] Endpoint to_endpoint() const;
  [[nodiscard]] int family() const { return storage.ss_family; }
  [[nodiscard]] const sockaddr* get() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
  [[nodiscard]] sockaddr* get() { return static_cast<sockaddr*>(static_cast<void*>(&storage)); }
};

}  // namespace passerelle::io
