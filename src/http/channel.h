// The way one request comes in and its answer goes out: an HTTP/1 connection, for one after the other, or one
// stream of an HTTP/2 connection. Heads are HTTP's, framing is the channel's.
#pragma once

#include <cstdint>

#include "http/message_source.h"
#include "io/stream.h"
#include "io/task.h"
#include "protocol/http1/framing.h"
#include "protocol/message_head.h"

namespace passerelle::http {

// A resource of a connection, on its engine's thread; outlives the exchange that uses it.
class Channel {
 public:
  Channel() = default;
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  virtual ~Channel() = default;

  // --- the request's body ---
  // How it ends. Once per request, before read_body.
  virtual void begin_body(const http1::Framing& framing) = 0;
  // As MessageSource::read_body.
  [[nodiscard]] virtual io::Task<Result<BytesView>> read_body(io::Wait wait) = 0;
  [[nodiscard]] virtual bool body_finished() const = 0;
  [[nodiscard]] virtual bool has_unread() const = 0;  // something of it is here, and need not be waited for
  [[nodiscard]] virtual MessageHead* trailers() const = 0;
  [[nodiscard]] virtual std::uint64_t body_bytes() const = 0;

  // --- the answer ---
  // A head without a body: a 1xx. After a 101 the channel's stream is no longer HTTP.
  [[nodiscard]] virtual io::SendOperation send_head(const MessageHead& head, io::Wait wait) = 0;
  // The final head: it leaves with the first piece of the body.
  virtual void begin_answer(const MessageHead& head, http1::Framing::Kind kind) = 0;
  // One piece of the body. With no data it only sends a pending head.
  [[nodiscard]] virtual io::SendOperation write(BytesView data, io::Wait wait) = 0;
  // The end of the answer, with its last piece and its trailers where the framing has them.
  [[nodiscard]] virtual io::Task<Result<>> finish(BytesView last, const MessageHead* trailers,
                                                  io::Wait wait) = 0;
  [[nodiscard]] virtual bool head_pending() const = 0;
  // Of all answers so far, heads included.
  [[nodiscard]] virtual std::uint64_t bytes_sent() const = 0;
  // The answer that has begun will not end: the client must not take what it has for the whole.
  virtual void break_off() = 0;

  // Told of what becomes of the client while nobody reads from it.
  virtual void watch(io::StreamWatcher* watcher) = 0;
  [[nodiscard]] virtual std::uint32_t round_trip_microseconds() const = 0;
};

}  // namespace passerelle::http
