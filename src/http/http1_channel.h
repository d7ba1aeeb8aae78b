// The client's side of an HTTP/1 connection.
#pragma once

#include <optional>

#include "http/body_writer.h"
#include "http/channel.h"
#include "http/workspace.h"

namespace passerelle::http {

// A resource of one connection; the stream must outlive it.
class Http1Channel final : public Channel {
 public:
  Http1Channel(io::Stream& stream, const Limits& limits, Workspace& workspace)
      : stream_(stream),
        workspace_(workspace),
        source_(stream, http1::HeadKind::request, limits, workspace) {}

  // Where heads are read, and what is behind the last one.
  [[nodiscard]] MessageSource& source() { return source_; }
  [[nodiscard]] io::Stream& stream() { return stream_; }

  void begin_body(const http1::Framing& framing) override { source_.begin_body(framing); }
  [[nodiscard]] io::Task<Result<BytesView>> read_body(io::Wait wait) override {
    return source_.read_body(wait);
  }
  [[nodiscard]] bool body_finished() const override { return source_.body_finished(); }
  [[nodiscard]] bool has_unread() const override { return source_.has_unread(); }
  [[nodiscard]] MessageHead* trailers() const override { return source_.trailers(); }
  [[nodiscard]] std::uint64_t body_bytes() const override { return source_.body_bytes(); }

  [[nodiscard]] io::SendOperation send_head(const MessageHead& head, io::Wait wait) override;
  void begin_answer(const MessageHead& head, http1::Framing::Kind kind) override;
  [[nodiscard]] io::SendOperation write(BytesView data, io::Wait wait) override;
  [[nodiscard]] io::Task<Result<>> finish(BytesView last, const MessageHead* trailers,
                                          io::Wait wait) override;
  [[nodiscard]] bool head_pending() const override { return answer_ && answer_->head_pending(); }
  [[nodiscard]] std::uint64_t bytes_sent() const override {
    return sent_before_ + (answer_ ? answer_->bytes_sent() : 0);
  }
  void break_off() override;

  void watch(io::StreamWatcher* watcher) override { stream_.watch(watcher); }
  [[nodiscard]] std::uint32_t round_trip_microseconds() const override {
    return stream_.round_trip_microseconds();
  }

 private:
  io::Stream& stream_;
  Workspace& workspace_;
  MessageSource source_;
  std::optional<BodyWriter> answer_;
  http1::Framing::Kind kind_ = http1::Framing::Kind::none;  // of the answer
  std::uint64_t sent_before_ = 0;                           // with the answers before this one
};

}  // namespace passerelle::http
