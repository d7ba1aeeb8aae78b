#include "tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>

namespace passerelle::tls {
namespace {

constexpr std::size_t record_bytes_max = 16 * kibibyte;

TlsStream* self_of(BIO* bio) { return static_cast<TlsStream*>(BIO_get_data(bio)); }

}  // namespace

Workspace::Workspace() : plaintext(new char[plaintext_bytes]) {}

const BIO_METHOD* TlsStream::bio_method() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "passerelle stream");
    BIO_meth_set_read(made, bio_read);
    BIO_meth_set_write(made, bio_write);
    BIO_meth_set_ctrl(made, bio_control);
    return made;
  }();
  return method;
}

int TlsStream::bio_read(BIO* bio, char* out, int size) {
  BytesView& incoming = self_of(bio)->incoming_;
  BIO_clear_retry_flags(bio);
  if (incoming.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::size_t n = std::min(incoming.size(), static_cast<std::size_t>(size));
  std::memcpy(out, incoming.data(), n);
  incoming.remove_prefix(n);
  return static_cast<int>(n);
}

int TlsStream::bio_write(BIO* bio, const char* bytes, int size) {
  TlsStream* self = self_of(bio);
  BIO_clear_retry_flags(bio);
  (self->writing_ ? self->workspace_.ciphertext : self->replies_)
      .append(bytes, static_cast<std::size_t>(size));
  return size;
}

long TlsStream::bio_control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

TlsStream::TlsStream(std::unique_ptr<io::Stream> lower, SSL_CTX* context, Workspace& workspace)
    : lower_(std::move(lower)), workspace_(workspace), ssl_(SSL_new(context)) {
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsStream::TlsStream(std::unique_ptr<io::Stream> lower, const ServerContext& context, Workspace& workspace)
    : TlsStream(std::move(lower), context.get(), workspace) {
  SSL_set_accept_state(ssl_.get());
}

TlsStream::TlsStream(std::unique_ptr<io::Stream> lower, const ClientContext& context, Workspace& workspace,
                     const std::string& server_name)
    : TlsStream(std::move(lower), context.get(), workspace) {
  SSL_set_connect_state(ssl_.get());
  if (server_name.empty()) return;
  const bool is_address = IpAddress::parse(server_name).has_value();
  if (!is_address) SSL_set_tlsext_host_name(ssl_.get(), server_name.c_str());
  if (!context.verifies_name()) return;
  SSL_set_hostflags(ssl_.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (is_address)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), server_name.c_str());
  else
    SSL_set1_host(ssl_.get(), server_name.c_str());
}

TlsStream::~TlsStream() = default;

TlsFacts TlsStream::facts() const {
  const char* cipher = SSL_get_cipher_name(ssl_.get());
  return {SSL_get_version(ssl_.get()), cipher != nullptr ? cipher : ""};
}

bool TlsStream::speaks_http2() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_.get(), &name, &size);
  return std::string_view(static_cast<const char*>(static_cast<const void*>(name)), size) == "h2";
}

std::string TlsStream::ciphers_offered() const {
  std::string out;
  const auto* ciphers = SSL_get_client_ciphers(ssl_.get());
  for (int i = 0; ciphers != nullptr && i < sk_SSL_CIPHER_num(ciphers); ++i) {
    if (!out.empty()) out += ':';
    out += SSL_CIPHER_get_name(sk_SSL_CIPHER_value(ciphers, i));
  }
  return out;
}

io::Task<Result<>> TlsStream::handshake(io::Wait wait, io::TurnGate* gate) {
  for (bool replied = false;;) {
    ERR_clear_error();
    const int outcome = SSL_do_handshake(ssl_.get());
    const int reason = outcome == 1 ? SSL_ERROR_NONE : SSL_get_error(ssl_.get(), outcome);
    if (ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_HTTP_REQUEST)
      co_return fail(ErrorKind::protocol, "plain HTTP on a TLS port");
    // What came with the last flight outlives its loan while ours is sent.
    hold_unread();
    if (!replies_.empty()) {
      // Also when it failed: the alert tells the peer why.
      replied = true;
      const std::string flight = std::move(replies_);
      replies_.clear();
      if (auto sent = co_await lower_->send(flight, wait); !sent) co_return sent;
    }
    if (reason == SSL_ERROR_NONE) co_return Result<>();
    if (reason != SSL_ERROR_WANT_READ) {
      const char* text = SSL_is_server(ssl_.get()) == 0 ? verification_failure(ssl_.get()) : nullptr;
      if (text == nullptr) text = ERR_reason_error_string(ERR_peek_last_error());
      co_return fail(ErrorKind::tls, text != nullptr ? text : "handshake failed");
    }
    const auto got = co_await lower_->receive(wait);
    if (!got) co_return std::unexpected(got.error());
    if (got->empty()) co_return fail(ErrorKind::closed, "the peer left during the TLS handshake");
    incoming_ = *got;
    // From TLS 1.3 on only the first flight costs something.
    const bool costs = !replied || SSL_version(ssl_.get()) < TLS1_3_VERSION;
    if (gate != nullptr && costs && !gate->try_pass()) {
      hold_unread();  // its loan ends here
      co_await gate->wait();
      if (wait.stop != nullptr && wait.stop->requested()) co_return fail(ErrorKind::stopped);
      if (lower_->engine().now() >= wait.deadline) co_return fail(ErrorKind::timed_out, "TLS handshake");
    }
  }
}

void TlsStream::hold_unread() {
  if (incoming_.empty()) {
    held_ = std::string();
    return;
  }
  std::string rest(incoming_);
  held_ = std::move(rest);
  incoming_ = held_;
}

void TlsStream::take_lower(const Result<BytesView>& got) {
  if (!got)
    lower_error_ = got.error();
  else if (got->empty())
    lower_ended_ = true;
  else
    incoming_ = *got;
}

bool TlsStream::has_unread() const {
  return !incoming_.empty() || end_met_ || SSL_has_pending(ssl_.get()) == 1;
}

bool TlsStream::decrypt(Result<BytesView>& result) {
  if (!has_unread()) return false;
  ERR_clear_error();
  std::size_t filled = 0;
  int reason = SSL_ERROR_NONE;
  while (filled < Workspace::plaintext_bytes && (filled == 0 || has_unread())) {
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), workspace_.plaintext.get() + filled, Workspace::plaintext_bytes - filled,
                    &got) != 1) {
      reason = SSL_get_error(ssl_.get(), 0);
      break;
    }
    filled += got;
  }
  if (incoming_.empty() && !held_.empty()) {
    held_ = std::string();
    incoming_ = {};
  }
  end_met_ = (reason != SSL_ERROR_NONE && reason != SSL_ERROR_WANT_READ) || !replies_.empty();
  if (filled > 0) {
    result = BytesView(workspace_.plaintext.get(), filled);
    return true;
  }
  if (reason == SSL_ERROR_WANT_READ) {
    // Once the handshake is over and but for an alert, all that OpenSSL says while it reads is its refusal
    // to begin another one.
    if (!replies_.empty()) result = fail(ErrorKind::tls, "the peer wants to renegotiate");
    return !replies_.empty();
  }
  if (reason == SSL_ERROR_ZERO_RETURN) {
    result = BytesView();
  } else {
    const char* text = ERR_reason_error_string(ERR_peek_last_error());
    result = fail(ErrorKind::tls, text != nullptr ? text : "record failure");
  }
  return true;
}

bool TlsStream::quiet() {
  // Session tickets are no words of the peer's: only decrypting tells.
  if (lower_->quiet() && !has_unread()) return !lower_ended_ && !lower_error_;
  Result<BytesView> unread;
  // What is below and cannot be received yet is not nothing.
  return !try_receive(unread) && lower_->quiet() && !lower_ended_ && !lower_error_;
}

bool TlsStream::seems_quiet() {
  return lower_->seems_quiet() && !has_unread() && !lower_ended_ && !lower_error_;
}

bool TlsStream::try_receive(Result<BytesView>& result) {
  for (;;) {
    if (decrypt(result)) return true;
    if (lower_error_) {
      result = std::unexpected(*lower_error_);
      return true;
    }
    if (lower_ended_) {
      result = fail(ErrorKind::closed, "the peer ended without close_notify");
      return true;
    }
    if (lower_receive_) return false;  // one is still under way from a receive that was called off
    Result<BytesView> got;
    if (!lower_->try_receive(got)) return false;
    take_lower(got);
  }
}

void TlsStream::wait_receive(io::ReceiveOperation& operation) {
  receive_ = &operation;
  // What is already here brings no event from below.
  if (has_unread() || lower_ended_ || lower_error_) return engine().run_soon(*this);
  if (!lower_receive_) wait_lower();
}

void TlsStream::run() {
  if (receive_ == nullptr) return;
  if (try_receive(receive_->result)) return std::exchange(receive_, nullptr)->complete_now();
  // SSL_has_pending counts half a record too: now only news from below can help.
  if (!lower_receive_) wait_lower();
}

void TlsStream::wait_lower() {
  lower_receive_ = io::make_pooled<io::ReceiveOperation>(*lower_, io::Wait{});
  lower_receive_->resume_with([](void* self) { static_cast<TlsStream*>(self)->on_lower_received(); }, this);
  lower_receive_->begin_wait();
}

void TlsStream::on_lower_received() {
  const Result<BytesView> got = lower_receive_->result;
  lower_receive_.reset();
  take_lower(got);
  if (receive_ == nullptr) {
    hold_unread();
    if (watcher_ != nullptr) watcher_->on_readable();
    return;
  }
  if (try_receive(receive_->result)) return std::exchange(receive_, nullptr)->complete_now();
  if (!lower_receive_) wait_lower();
}

void TlsStream::cancel_receive(io::ReceiveOperation& operation) {
  receive_ = nullptr;
  operation.complete_soon();
}

bool TlsStream::try_send(io::SendOperation& operation) {
  if (send_abandoned_) {
    operation.result = fail(ErrorKind::stopped, "an earlier send was called off half way");
    return true;
  }
  ERR_clear_error();
  workspace_.ciphertext.assign(replies_);
  replies_.clear();
  writing_ = true;
  bool sound = true;
  while (sound && !operation.bytes.empty()) {
    const std::size_t n = std::min(operation.bytes.size(), record_bytes_max);
    std::size_t written = 0;
    sound = SSL_write_ex(ssl_.get(), operation.bytes.data(), n, &written) == 1;
    operation.bytes.remove_prefix(written);
  }
  if (sound && operation.finish) SSL_shutdown(ssl_.get());
  writing_ = false;
  if (!sound) {
    const char* text = ERR_reason_error_string(ERR_peek_last_error());
    operation.result = fail(ErrorKind::tls, text != nullptr ? text : "record failure");
    return true;
  }
  lower_send_ =
      io::make_pooled<io::SendOperation>(*lower_, workspace_.ciphertext, operation.finish, io::Wait{});
  if (!lower_->try_send(*lower_send_)) return false;
  operation.result = lower_send_->result;
  lower_send_.reset();
  return true;
}

void TlsStream::wait_send(io::SendOperation& operation) {
  send_ = &operation;
  lower_send_->resume_with([](void* self) { static_cast<TlsStream*>(self)->on_lower_sent(); }, this);
  lower_send_->begin_wait();
}

void TlsStream::on_lower_sent() {
  const Result<> sent = lower_send_->result;
  lower_send_.reset();
  if (send_ == nullptr) return;
  send_->result = sent;
  std::exchange(send_, nullptr)->complete_now();
}

void TlsStream::cancel_send(io::SendOperation& operation) {
  send_ = nullptr;
  send_abandoned_ = true;
  operation.complete_soon();
}

}  // namespace passerelle::tls
