// The client's side of one HTTP/2 stream.
#pragma once

#include "http/channel.h"
#include "http/http2_stream.h"
#include "http/workspace.h"

namespace passerelle::http {

// A resource of one exchange; the stream must outlive it. Framing is HTTP/2's own: lengths and chunks are
// only told apart from no body at all.
class Http2Channel final : public Channel {
 public:
  Http2Channel(Http2Stream& stream, const Limits& limits, Workspace& workspace)
      : stream_(stream), limits_(limits), workspace_(workspace) {}

  void begin_body(const http1::Framing& framing) override { finished_ = !framing.has_body(); }
  [[nodiscard]] io::Task<Result<BytesView>> read_body(io::Wait wait) override;
  [[nodiscard]] bool body_finished() const override { return finished_; }
  [[nodiscard]] bool has_unread() const override { return stream_.has_unread(); }
  [[nodiscard]] MessageHead* trailers() const override { return stream_.trailers(); }
  [[nodiscard]] std::uint64_t body_bytes() const override { return body_bytes_; }

  [[nodiscard]] io::SendOperation send_head(const MessageHead& head, io::Wait wait) override;
  void begin_answer(const MessageHead& head, http1::Framing::Kind kind) override;
  [[nodiscard]] io::SendOperation write(BytesView data, io::Wait wait) override;
  [[nodiscard]] io::Task<Result<>> finish(BytesView last, const MessageHead* trailers,
                                          io::Wait wait) override;
  [[nodiscard]] bool head_pending() const override { return head_ != nullptr; }
  [[nodiscard]] std::uint64_t bytes_sent() const override { return stream_.bytes_sent(); }
  void break_off() override { stream_.reset_on_close(); }

  void watch(io::StreamWatcher* watcher) override { stream_.watch(watcher); }
  [[nodiscard]] std::uint32_t round_trip_microseconds() const override {
    return stream_.round_trip_microseconds();
  }

 private:
  Http2Stream& stream_;
  const Limits& limits_;
  Workspace& workspace_;
  RecyclePool<MessageHead>::Lease head_{nullptr};  // of the answer, until it leaves
  std::uint64_t body_bytes_ = 0;
  bool finished_ = true;
};

}  // namespace passerelle::http
