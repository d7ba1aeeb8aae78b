// One stream of an HTTP/2 connection, as the stream every other part knows: a body's bytes, or a tunnel's.
#pragma once

#include <memory>
#include <optional>

#include "http/workspace.h"
#include "io/stream.h"
#include "protocol/http2/session.h"

namespace passerelle::http {

class Http2Connection;

// A resource, owned by the exchange it carries and then by the tunnel; its connection outlives it. Lends what
// the peer's window let come, at most h2_stream_window_bytes; a send ends when all of it is in frames.
// Destroyed before both sides have ended, it is reset.
class Http2Stream final : public io::Stream, private http2::StreamHandler, private io::Ready {
 public:
  Http2Stream(Http2Connection& connection, http2::StreamId id);
  ~Http2Stream() override;

  // --- the request it began with ---
  [[nodiscard]] MessageHead& head() override { return *head_; }
  [[nodiscard]] bool websocket() const { return websocket_; }
  // Why its head cannot be taken; nothing when it can.
  [[nodiscard]] const std::optional<ParseError>& refusal() const { return refusal_; }
  // Where it was closed before anybody looked at it.
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool broken() const { return broken_; }

  // --- its answer ---
  void send_head(const MessageHead& head, bool ended);
  // Go behind what finish() sends; outlive it.
  void set_trailers(const MessageHead* trailers) { trailers_to_send_ = trailers; }
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  [[nodiscard]] bool has_unread() const { return inbox_ != nullptr; }
  [[nodiscard]] bool all_read() const { return ended_ && !inbox_; }
  [[nodiscard]] MessageHead* trailers() const { return trailers_.get(); }
  // The request is answered: from here on there are only bytes.
  void become_tunnel();

  void reset_on_close() override { reset_ = true; }
  void watch(io::StreamWatcher* watcher) override;
  [[nodiscard]] std::uint32_t round_trip_microseconds() const override;
  [[nodiscard]] io::Engine& engine() override;
  [[nodiscard]] bool quiet() override { return !inbox_ && !ended_ && !closed_; }
  [[nodiscard]] bool try_receive(Result<BytesView>& result) override;
  void wait_receive(io::ReceiveOperation& operation) override;
  void cancel_receive(io::ReceiveOperation& operation) override;
  [[nodiscard]] bool try_send(io::SendOperation& operation) override;
  void wait_send(io::SendOperation& operation) override;
  void cancel_send(io::SendOperation& operation) override;

 private:
  friend class Http2Connection;

  void on_data(BytesView bytes) override;
  void on_trailer(BytesView name, BytesView value) override;
  void on_end() override;
  void on_closed(std::uint32_t error) override;
  [[nodiscard]] Output output() override;
  void on_framed(std::size_t bytes, bool ended) override;
  // The connection has ended under it.
  void lose();
  void run() override;  // what happened inside the session is told outside it
  void tell_watcher();
  [[nodiscard]] http2::ErrorCode why_reset() const;

  // In its connection's list.
  struct Place : ListNode {
    explicit Place(Http2Stream& owner) : stream(owner) {}
    Http2Stream& stream;
  };

  Http2Connection& connection_;
  Place place_{*this};
  RecyclePool<MessageHead>::Lease head_{nullptr};
  RecyclePool<MessageHead>::Lease trailers_{nullptr};
  RecyclePool<Buffer>::Lease inbox_{nullptr};  // received, and not lent yet; never empty
  RecyclePool<Buffer>::Lease park_{nullptr};   // of a send that waits
  io::ReceiveOperation* receive_ = nullptr;
  io::SendOperation* send_ = nullptr;
  io::StreamWatcher* watcher_ = nullptr;
  const MessageHead* trailers_to_send_ = nullptr;
  std::optional<ParseError> refusal_;
  std::uint64_t bytes_sent_ = 0;
  bool websocket_ = false;
  bool served_ = false;  // its turn has come, and it is no tunnel yet
  bool tunnel_ = false;
  bool sent_ = false;       // all of send_ is in frames
  bool abandoned_ = false;  // a send was called off half way
  bool finished_ = false;   // our side has ended
  bool ended_ = false;      // the peer's side has
  bool closed_ = false;     // the session knows it no more
  bool broken_ = false;     // it did not end in order
  bool reset_ = false;
};

}  // namespace passerelle::http
