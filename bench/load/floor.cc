// The floor: a blind relay that understands nothing. It accepts, connects and copies both ways: two receives
// and two sends a round trip, one 64 KiB buffer. With a certificate it ends TLS by OpenSSL over the socket.
// What a gateway costs beyond this is what it does with what it carries.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>

#include "loop.h"
#include "sockets.h"

namespace bench {
namespace {

std::array<char, 64 * 1024> buffer;

class Relay;

// One end of a relayed connection.
class Side final : public Handler {
 public:
  Side(Relay& relay, int descriptor, SSL* ssl) : relay_(relay), descriptor_(descriptor), ssl_(ssl) {}
  ~Side() {
    SSL_free(ssl_);
    ::close(descriptor_);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  void on_events(std::uint32_t events) override;
  // Bytes read; 0 at the end; -1 for nothing now; -2 for a failure.
  long read();
  // False when the rest has to wait, or the connection is gone.
  bool write(std::string_view bytes);
  bool flush();

  Relay& relay_;
  int descriptor_;
  SSL* ssl_;
  std::string unsent_;
  bool readable_ = false;
  bool finished_ = false;  // the peer has: no other edge says so, the end is to be read
  bool ended_ = false;
  bool broken_ = false;
};

class Relay {
 public:
  Relay(Loop& loop, int client, int backend, SSL* ssl)
      : client_(*this, client, ssl), backend_(*this, backend, nullptr), loop_(loop) {
    loop.add(client, client_);
    loop.add(backend, backend_);
  }

  [[nodiscard]] Side& other(const Side& side) { return &side == &client_ ? backend_ : client_; }
  void pump(Side& from) {
    Side& to = other(from);
    while (from.readable_ && to.unsent_.empty() && !from.ended_) {
      const long got = from.read();
      if (got == -1) break;
      if (got == -2) return end();
      if (got == 0) {
        from.ended_ = true;
        if (to.ssl_ != nullptr) SSL_shutdown(to.ssl_);
        ::shutdown(to.descriptor_, SHUT_WR);
        break;
      }
      to.write({buffer.data(), static_cast<std::size_t>(got)});
      if (to.broken_) return end();
    }
    if (from.ended_ && to.ended_) end();
  }
  void end() {
    if (ended_) return;
    ended_ = true;
    loop_.bury(std::unique_ptr<Relay>(this));
  }
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  Side client_;
  Side backend_;
  Loop& loop_;
  bool ended_ = false;
};

void Side::on_events(std::uint32_t events) {
  if (relay_.ended()) return;
  if ((events & EPOLLERR) != 0) return relay_.end();
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) readable_ = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP)) != 0) finished_ = true;
  if ((events & EPOLLOUT) != 0 && !unsent_.empty() && flush()) relay_.pump(relay_.other(*this));
  if (readable_ && !relay_.ended()) relay_.pump(*this);
}

long Side::read() {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    const int got = SSL_read(ssl_, buffer.data(), static_cast<int>(buffer.size()));
    if (got > 0) return got;
    const int why = SSL_get_error(ssl_, got);
    if (why == SSL_ERROR_WANT_READ) {
      readable_ = false;
      return -1;
    }
    return why == SSL_ERROR_ZERO_RETURN ? 0 : -2;
  }
  const long got = ::recv(descriptor_, buffer.data(), buffer.size(), 0);
  if (got < 0) {
    readable_ = false;
    return errno == EAGAIN ? -1 : -2;
  }
  if (got > 0 && static_cast<std::size_t>(got) < buffer.size() && !finished_) readable_ = false;
  return got;
}

bool Side::write(std::string_view bytes) {
  unsent_.clear();
  if (ssl_ != nullptr) {
    while (!bytes.empty()) {
      ERR_clear_error();
      const int sent =
          SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 16384)));
      if (sent <= 0) {
        broken_ = SSL_get_error(ssl_, sent) != SSL_ERROR_WANT_WRITE;
        break;
      }
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  } else {
    const long sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) broken_ = errno != EAGAIN;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (!bytes.empty()) unsent_ = std::string(bytes);
  return unsent_.empty();
}

bool Side::flush() {
  const std::string rest = std::move(unsent_);
  return write(rest);
}

class Door final : public Handler {
 public:
  Door(Loop& loop, const std::string& listen, const std::string& backend, SSL_CTX* tls)
      : loop_(loop), descriptor_(listen_on(listen)), backend_(parse_address(backend)), tls_(tls) {
    loop.add(descriptor_, *this, EPOLLIN | EPOLLET);
  }
  void on_events(std::uint32_t) override {
    for (int client = accept_from(descriptor_); client >= 0; client = accept_from(descriptor_)) {
      const int backend = connect_to(backend_);
      if (backend < 0) {
        ::close(client);
        continue;
      }
      SSL* ssl = nullptr;
      if (tls_ != nullptr) {
        ssl = SSL_new(tls_);
        SSL_set_fd(ssl, client);
        SSL_set_accept_state(ssl);
      }
      // Lives until it ends itself.
      auto relay = std::make_unique<Relay>(loop_, client, backend, ssl);
      (void)relay.release();
    }
  }

 private:
  Loop& loop_;
  int descriptor_;
  sockaddr_in backend_;
  SSL_CTX* tls_;
};

SSL_CTX* tls_context(const char* certificate, const char* key) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
    die(std::string("cannot use the certificate ") + certificate);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc != 3 && argc != 6) bench::die("usage: bench_floor LISTEN BACKEND [LISTEN_TLS CERTIFICATE KEY]");
  std::signal(SIGPIPE, SIG_IGN);
  bench::allow_many_descriptors();
  bench::Loop loop;
  const bench::Door clear(loop, argv[1], argv[2], nullptr);
  std::unique_ptr<bench::Door> tls;
  if (argc == 6)
    tls = std::make_unique<bench::Door>(loop, argv[3], argv[2], bench::tls_context(argv[4], argv[5]));
  for (;;) loop.turn();
}
