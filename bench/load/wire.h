// A client's socket, clear or TLS.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string_view>

#include "plan.h"

namespace bench {

class Wire {
 public:
  enum : long { ended = 0, wait = -1, failed = -2 };

  Wire(const sockaddr_in& to, SSL_CTX* tls);
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Connected, and the handshake done: 1; else `wait` or `failed`.
  [[nodiscard]] long open();
  [[nodiscard]] long read(char* into, std::size_t size);
  // As much of the two, one behind the other, as goes.
  [[nodiscard]] long write(std::string_view first, std::string_view then);
  void finish();

 private:
  [[nodiscard]] long outcome(int returned) const;

  int descriptor_;
  bool connected_ = false;
  SSL* ssl_ = nullptr;
};

struct FreeTls {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;

// No verification: what is measured is the gateway. `protocol`: for ALPN, or empty.
[[nodiscard]] TlsContext client_tls(std::string_view protocol);

}  // namespace bench
