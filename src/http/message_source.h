// Reads HTTP/1 messages from one side of a connection: head, then body, then the next head.
#pragma once

#include <optional>

#include "base/limits.h"
#include "http/workspace.h"
#include "io/stream.h"
#include "io/task.h"
#include "protocol/http1/chunked_decoder.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/head_parser.h"

namespace passerelle::http {

// What reading a head came to.
struct HeadOutcome {
  enum class Kind : std::uint8_t {
    complete,
    ended,    // the peer ended, or our own group stopped, before a byte of it
    refused,  // `refusal` says why and with which status
    failed,   // `error`: the stream broke, ended in the middle, or the deadline passed
  };
  Kind kind = Kind::failed;
  ParseError refusal;
  Error error;
};

// A resource of one connection, on its engine's thread; the stream must outlive it. Bytes behind the message
// read so far are kept (copied into a borrowed buffer) and come first next time; take_unread() hands them on
// at an upgrade.
class MessageSource {
 public:
  MessageSource(io::Stream& stream, http1::HeadKind kind, const Limits& limits, Workspace& workspace)
      : stream_(stream), limits_(limits), workspace_(workspace), head_parser_(kind), kind_(kind) {}

  // Waits for the first byte under `idle`; from that byte on `rest` is the time for the whole head, and only
  // `rest_stop` calls it off.
  [[nodiscard]] io::Task<HeadOutcome> read_head(MessageHead& head, io::Wait idle, Duration rest,
                                                io::StopSource& rest_stop);
  // The same without a limit of its own: `wait` is all.
  [[nodiscard]] io::Task<HeadOutcome> read_head(MessageHead& head, io::Wait wait);

  // How the body that follows ends. Call once per head, before read_body.
  void begin_body(const http1::Framing& framing);

  // The next bytes of the body, decoded, valid until the caller suspends; empty: the body has ended. Errors:
  // the stream's; `closed` for a body cut short; `protocol` for bad chunks; `too_large`.
  [[nodiscard]] io::Task<Result<BytesView>> read_body(io::Wait wait);
  // The same, where it need not be waited for; nothing where it has to be.
  [[nodiscard]] std::optional<Result<BytesView>> body_at_hand();

  [[nodiscard]] bool body_finished() const { return finished_; }
  [[nodiscard]] MessageHead* trailers() const { return trailers_.get(); }
  [[nodiscard]] std::uint64_t body_bytes() const { return body_bytes_; }
  [[nodiscard]] bool has_unread() const { return unread_at_ < unread_size(); }
  [[nodiscard]] bool begun() const { return head_parser_.begun(); }
  [[nodiscard]] std::string take_unread();
  // Between messages: gives back every buffer, and forgets the last head.
  void rest();

 private:
  io::Task<HeadOutcome> read_head(MessageHead& head, io::Wait first, std::optional<Duration> rest,
                                  io::StopSource* rest_stop);
  [[nodiscard]] std::size_t unread_size() const { return unread_ ? unread_->bytes.size() : 0; }
  [[nodiscard]] BytesView unread() const { return BytesView(unread_->bytes).substr(unread_at_); }
  void keep(BytesView rest);  // of what was received, or of what was kept already
  void consumed_unread(std::size_t n);
  void release_consumed();
  Result<BytesView> decode(BytesView bytes);
  Result<BytesView> counted(Result<BytesView> piece);
  Result<BytesView> decode_chunks(BytesView bytes);

  io::Stream& stream_;
  const Limits& limits_;
  Workspace& workspace_;
  http1::HeadParser head_parser_;
  http1::HeadKind kind_;
  http1::ChunkedDecoder chunks_;
  http1::Framing framing_;
  RecyclePool<Buffer>::Lease unread_{nullptr};
  RecyclePool<MessageHead>::Lease trailers_{nullptr};
  std::size_t unread_at_ = 0;
  std::uint64_t left_ = 0;
  std::uint64_t body_bytes_ = 0;
  bool finished_ = true;
};

}  // namespace passerelle::http
