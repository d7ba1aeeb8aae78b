#include "wire.h"

#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "sockets.h"

namespace bench {
namespace {

constexpr std::size_t record_bytes_max = 16384;

}  // namespace

Wire::Wire(const sockaddr_in& to, SSL_CTX* tls) : descriptor_(connect_to(to)) {
  if (tls == nullptr || descriptor_ < 0) return;
  ssl_ = SSL_new(tls);
  SSL_set_fd(ssl_, descriptor_);
  SSL_set_connect_state(ssl_);
}

Wire::~Wire() {
  SSL_free(ssl_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

long Wire::open() {
  if (!connected_) {
    if (error_of(descriptor_) != 0) return failed;
    connected_ = true;
  }
  if (ssl_ == nullptr) return 1;
  ERR_clear_error();
  const int returned = SSL_do_handshake(ssl_);
  return returned == 1 ? 1 : outcome(returned);
}

long Wire::outcome(int returned) const {
  switch (SSL_get_error(ssl_, returned)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return wait;
    case SSL_ERROR_ZERO_RETURN: return ended;
    default: return failed;
  }
}

long Wire::read(char* into, std::size_t size) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int got = SSL_read(ssl_, into, static_cast<int>(size));
    return got > 0 ? got : outcome(got);
  }
  const long got = ::recv(descriptor_, into, size, 0);
  if (got >= 0) return got;
  return errno == EAGAIN ? wait : failed;
}

long Wire::write(std::string_view first, std::string_view then) {
  if (ssl_ != nullptr) {
    // In one record, where it fits.
    static std::array<char, record_bytes_max> record;
    const std::size_t head = std::min(first.size(), record.size());
    const std::size_t tail = std::min(then.size(), record.size() - head);
    std::copy_n(first.data(), head, record.data());
    std::copy_n(then.data(), tail, record.data() + head);
    ERR_clear_error();
    const int sent = SSL_write(ssl_, record.data(), static_cast<int>(head + tail));
    return sent > 0 ? sent : outcome(sent);
  }
  std::array<iovec, 2> parts{};
  parts[0] = {const_cast<char*>(first.data()), first.size()};
  parts[1] = {const_cast<char*>(then.data()), then.size()};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const long sent = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
  if (sent >= 0) return sent;
  return errno == EAGAIN ? wait : failed;
}

void Wire::finish() {
  if (ssl_ != nullptr) SSL_shutdown(ssl_);
  ::shutdown(descriptor_, SHUT_WR);
}

TlsContext client_tls(std::string_view protocol) {
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (!protocol.empty()) {
    const std::string list = static_cast<char>(protocol.size()) + std::string(protocol);
    SSL_CTX_set_alpn_protos(context, static_cast<const unsigned char*>(static_cast<const void*>(list.data())),
                            static_cast<unsigned>(list.size()));
  }
  return TlsContext(context);
}

}  // namespace bench
