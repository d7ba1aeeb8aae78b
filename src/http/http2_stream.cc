#include "http/http2_stream.h"

#include "http/http2_connection.h"
#include "protocol/http1/characters.h"

namespace passerelle::http {

Http2Stream::Http2Stream(Http2Connection& connection, http2::StreamId id)
    : StreamHandler(id), connection_(connection), head_(connection.workspace_.heads.take()) {}

Http2Stream::~Http2Stream() {
  if (inbox_) connection_.session_.discard(*this, inbox_->bytes.size());
  if (!closed_) {
    if (!finished_ || reset_)
      connection_.session_.reset_and_release(*this, why_reset());
    else if (ended_)
      connection_.session_.release(*this);
    else
      connection_.session_.end_and_release(*this);
  }
  connection_.closed(*this);
}

http2::ErrorCode Http2Stream::why_reset() const {
  return tunnel_ ? http2::ErrorCode::cancel : http2::ErrorCode::internal_error;
}

io::Engine& Http2Stream::engine() { return connection_.engine_; }

std::uint32_t Http2Stream::round_trip_microseconds() const {
  return connection_.transport_.round_trip_microseconds();
}

void Http2Stream::send_head(const MessageHead& head, bool ended) {
  if (closed_) return;
  connection_.session_.send_head(*this, head, ended);
  bytes_sent_ += head.text.size();
  finished_ = finished_ || ended;
  connection_.frame();
  connection_.flush_soon();
}

void Http2Stream::become_tunnel() {
  tunnel_ = true;
  head_.reset();
  if (!closed_) connection_.session_.give_own_window(*this, inbox_ ? inbox_->bytes.size() : 0);
  connection_.became_tunnel(*this);
}

void Http2Stream::watch(io::StreamWatcher* watcher) {
  watcher_ = watcher;
  if (receive_ == nullptr) tell_watcher();
}

void Http2Stream::on_data(BytesView bytes) {
  if (!inbox_) inbox_ = connection_.workspace_.buffers.take();
  inbox_->bytes.append(bytes);
  if (receive_ != nullptr || tunnel_) engine().run_soon(*this);
}

void Http2Stream::on_trailer(BytesView name, BytesView value) {
  if (!trailers_) trailers_ = connection_.workspace_.heads.take();
  const Limits& limits = connection_.limits_;
  const bool fits = trailers_->text.size() + name.size() + value.size() <= limits.trailer_bytes_max &&
                    trailers_->fields.size() < limits.header_fields_max;
  if (!fits || !http1::is_token(name) || !http1::all(value, http1::value_character))
    return connection_.session_.reset(*this, http2::ErrorCode::protocol_error);
  trailers_->add(name, value);
}

void Http2Stream::on_end() {
  ended_ = true;
  if (receive_ != nullptr || tunnel_)
    engine().run_soon(*this);
  else if (watcher_ != nullptr)
    watcher_->on_peer_finished();
}

void Http2Stream::on_closed(std::uint32_t error) {
  closed_ = true;
  broken_ = error != 0 || !ended_ || !finished_;
  if (receive_ != nullptr || send_ != nullptr || tunnel_) engine().run_soon(*this);
  if (broken_ && receive_ == nullptr && watcher_ != nullptr && !tunnel_) watcher_->on_reset();
}

void Http2Stream::lose() {
  if (closed_) return;
  connection_.session_.release(*this);
  on_closed(static_cast<std::uint32_t>(http2::ErrorCode::cancel));
}

http2::StreamHandler::Output Http2Stream::output() {
  if (send_ == nullptr || sent_) return {};
  return {send_->bytes, send_->finish, trailers_to_send_};
}

void Http2Stream::on_framed(std::size_t bytes, bool ended) {
  send_->bytes.remove_prefix(bytes);
  bytes_sent_ += bytes;
  finished_ = finished_ || ended;
  sent_ = send_->bytes.empty() && (ended || !send_->finish);
  if (sent_ && park_) engine().run_soon(*this);
}

void Http2Stream::run() {
  if (send_ != nullptr && (sent_ || closed_)) {
    io::SendOperation& operation = *std::exchange(send_, nullptr);
    if (!std::exchange(sent_, false)) operation.result = fail(ErrorKind::reset, "the stream was reset");
    park_.reset();
    // Resuming the sender may end this stream's life: the receiver has its own turn.
    if (receive_ != nullptr || tunnel_) engine().run_soon(*this);
    return operation.complete_now();
  }
  if (receive_ == nullptr) return tell_watcher();
  if (try_receive(receive_->result)) std::exchange(receive_, nullptr)->complete_now();
}

// In a turn of its own: the session must not be used while it reads.
void Http2Stream::tell_watcher() {
  if (watcher_ == nullptr) return;
  if (broken_)
    watcher_->on_reset();
  else if (ended_)
    watcher_->on_peer_finished();
  else if (inbox_)
    watcher_->on_readable();
}

bool Http2Stream::try_receive(Result<BytesView>& result) {
  if (inbox_) {
    // Lent as a worker's memory, so that a stream that waits holds none.
    std::string& lent = connection_.workspace_.lent;
    std::swap(lent, inbox_->bytes);
    inbox_.reset();
    if (closed_)
      connection_.session_.discard(*this, lent.size());
    else
      connection_.session_.consume(*this, lent.size());
    connection_.flush_soon();
    result = BytesView(lent);
    return true;
  }
  if (broken_) {
    result = fail(ErrorKind::reset, "the stream was reset");
    return true;
  }
  if (!ended_) return false;
  result = BytesView();
  return true;
}

void Http2Stream::wait_receive(io::ReceiveOperation& operation) {
  receive_ = &operation;
  if (inbox_ || ended_ || broken_) engine().run_soon(*this);
}

void Http2Stream::cancel_receive(io::ReceiveOperation& operation) {
  receive_ = nullptr;
  operation.complete_soon();
}

bool Http2Stream::try_send(io::SendOperation& operation) {
  if (closed_ || abandoned_ || finished_) {
    operation.result = abandoned_ ? fail(ErrorKind::stopped, "an earlier send was called off half way")
                                  : fail(ErrorKind::reset, "the stream was reset");
    if (finished_ && !broken_ && operation.bytes.empty()) operation.result = {};
    return true;
  }
  if (operation.bytes.empty() && !operation.finish) return true;
  send_ = &operation;
  connection_.session_.resume(*this);
  connection_.frame();
  connection_.flush_soon();
  if (!sent_ && !closed_) return false;
  send_ = nullptr;
  if (!std::exchange(sent_, false)) operation.result = fail(ErrorKind::reset, "the stream was reset");
  return true;
}

void Http2Stream::wait_send(io::SendOperation& operation) {
  park_ = connection_.workspace_.buffers.take();
  park_->bytes.assign(operation.bytes);
  operation.bytes = park_->bytes;
}

void Http2Stream::cancel_send(io::SendOperation& operation) {
  send_ = nullptr;
  sent_ = false;
  abandoned_ = true;
  park_.reset();
  // Some of it may be in a frame's head already: what was promised there will not come.
  if (!closed_) connection_.session_.reset(*this, why_reset());
  connection_.flush_soon();
  operation.complete_soon();
}

}  // namespace passerelle::http
