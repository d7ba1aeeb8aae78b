// TLS over any stream.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "io/engine.h"
#include "io/task.h"
#include "io/turn_gate.h"
#include "tls/client_context.h"
#include "tls/ocsp.h"
#include "tls/peer_certificate.h"
#include "tls/server_context.h"

namespace passerelle::tls {

// Room for records on their way through OpenSSL: one a worker, shared by its TLS streams, so an idle one
// holds none.
class Workspace {
 public:
  Workspace();
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;

  // A received slice (64 KiB) and what OpenSSL held of a record before it always fit.
  static constexpr std::size_t plaintext_bytes = 96 * kibibyte;
  std::unique_ptr<char[]> plaintext;
  std::string ciphertext;
};

struct TlsFacts {
  std::string_view protocol;  // "TLSv1.3"
  std::string_view cipher;    // "TLS_AES_256_GCM_SHA384"
};

// A resource like every stream; owns the one below. handshake() comes first. An end without close_notify is
// an error of kind `closed`: what that means is for the protocol above to say.
class TlsStream final : public io::Stream, private io::Ready {
 public:
  TlsStream(std::unique_ptr<io::Stream> lower, const ServerContext& context, Workspace& workspace);
  // `server_name`: SNI, and the name the certificate must be for where the context verifies names; an address
  // is verified and not sent; empty for neither.
  TlsStream(std::unique_ptr<io::Stream> lower, const ClientContext& context, Workspace& workspace,
            const std::string& server_name);
  ~TlsStream() override;

  // `gate`: what each step of it that costs something waits for.
  [[nodiscard]] io::Task<Result<>> handshake(io::Wait wait, io::TurnGate* gate = nullptr);
  [[nodiscard]] TlsFacts facts() const;  // literals of OpenSSL's
  // After a listener's handshake: the client's certificate, `verified` where the site asked for that.
  [[nodiscard]] ClientCertificate client_certificate(bool verified) const {
    return tls::client_certificate(ssl_.get(), verified);
  }
  // The same with its issuer, where it was verified just now.
  [[nodiscard]] std::optional<Issued> issued_client() const { return Issued::of_client(ssl_.get()); }
  [[nodiscard]] const SSL* session() const { return ssl_.get(); }
  // What ALPN came to.
  [[nodiscard]] bool speaks_http2() const;
  // What the client offered, by OpenSSL's names, divided by ':'.
  [[nodiscard]] std::string ciphers_offered() const;
  // For an answer in clear to a client that spoke plain HTTP: handshake() then fails with kind `protocol`.
  [[nodiscard]] io::Stream& lower() { return *lower_; }

  void reset_on_close() override { lower_->reset_on_close(); }
  void watch(io::StreamWatcher* watcher) override {
    watcher_ = watcher;
    lower_->watch(watcher);
  }
  [[nodiscard]] std::uint32_t round_trip_microseconds() const override {
    return lower_->round_trip_microseconds();
  }
  [[nodiscard]] io::Engine& engine() override { return lower_->engine(); }
  [[nodiscard]] bool congested() const override { return lower_->congested(); }
  [[nodiscard]] bool quiet() override;
  [[nodiscard]] bool seems_quiet() override;
  [[nodiscard]] bool try_receive(Result<BytesView>& result) override;
  void wait_receive(io::ReceiveOperation& operation) override;
  void cancel_receive(io::ReceiveOperation& operation) override;
  [[nodiscard]] bool try_send(io::SendOperation& operation) override;
  void wait_send(io::SendOperation& operation) override;
  void cancel_send(io::SendOperation& operation) override;

 private:
  TlsStream(std::unique_ptr<io::Stream> lower, SSL_CTX* context, Workspace& workspace);
  static int bio_read(BIO* bio, char* out, int size);
  static int bio_write(BIO* bio, const char* bytes, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  static const BIO_METHOD* bio_method();

  void run() override;  // a receive that had to wait its turn
  void wait_lower();
  void on_lower_received();
  void on_lower_sent();
  // Reads records out of what was received. False: OpenSSL needs more.
  bool decrypt(Result<BytesView>& result);
  // Whether decrypting can bring something: asking OpenSSL for nothing costs it a buffer, taken and freed.
  [[nodiscard]] bool has_unread() const;
  void take_lower(const Result<BytesView>& got);
  void hold_unread();

  std::unique_ptr<io::Stream> lower_;
  Workspace& workspace_;
  SslHandle ssl_;
  BytesView incoming_;   // ciphertext for OpenSSL to read: lent, or `held_`
  std::string held_;     // ciphertext that outlived its loan
  std::string replies_;  // what OpenSSL wrote while reading: the flights of a handshake
  bool writing_ = false;
  bool lower_ended_ = false;
  bool send_abandoned_ = false;
  bool end_met_ = false;  // by OpenSSL: an end or a broken record, perhaps behind words; told again if asked
  std::optional<Error> lower_error_;
  io::StreamWatcher* watcher_ = nullptr;
  io::ReceiveOperation* receive_ = nullptr;
  io::SendOperation* send_ = nullptr;
  // While they wait: an idle stream holds neither.
  io::Pooled<io::ReceiveOperation> lower_receive_;
  io::Pooled<io::SendOperation> lower_send_;
};

}  // namespace passerelle::tls
