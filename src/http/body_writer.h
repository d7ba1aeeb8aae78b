// Writes a message out: head and body pieces, in as few sends as there are pieces.
#pragma once

#include "http/workspace.h"
#include "io/stream.h"
#include "protocol/http1/framing.h"

namespace passerelle::http {

// A value of one message. The head, if one is pending, leaves with the first piece of the body.
class BodyWriter {
 public:
  BodyWriter(io::Stream& stream, Workspace& workspace, http1::Framing::Kind kind)
      : stream_(stream), workspace_(workspace), kind_(kind) {}

  // The head to send before anything else; the buffer is the writer's from here on.
  void set_head(RecyclePool<Buffer>::Lease head) { head_ = std::move(head); }

  // One piece, in the message's framing. With no data it only sends a pending head.
  [[nodiscard]] io::SendOperation write(BytesView data, io::Wait wait);

  // The end of the body: last chunk and trailers, if the framing has them. With `last` data it is one send.
  [[nodiscard]] io::SendOperation finish(BytesView last, const MessageHead* trailers, io::Wait wait);

  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }
  [[nodiscard]] bool head_pending() const { return head_ != nullptr; }

 private:
  // What goes out: `data` itself when nothing need be put around it.
  BytesView assemble(BytesView data);

  io::Stream& stream_;
  Workspace& workspace_;
  http1::Framing::Kind kind_;
  RecyclePool<Buffer>::Lease head_{nullptr};
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace passerelle::http
