#include "http/http2_channel.h"

namespace passerelle::http {

io::Task<Result<BytesView>> Http2Channel::read_body(io::Wait wait) {
  if (finished_) co_return BytesView();
  const auto piece = co_await stream_.receive(wait);
  if (!piece) co_return piece;
  body_bytes_ += piece->size();
  if (body_bytes_ > limits_.body_bytes_max)
    co_return fail(ErrorKind::too_large, "the body is longer than body_bytes_max");
  finished_ = stream_.all_read();
  co_return piece;
}

io::SendOperation Http2Channel::send_head(const MessageHead& head, io::Wait wait) {
  stream_.send_head(head, false);
  return stream_.send({}, wait);
}

void Http2Channel::begin_answer(const MessageHead& head, http1::Framing::Kind /*kind*/) {
  head_ = workspace_.heads.take();
  *head_ = head;
}

io::SendOperation Http2Channel::write(BytesView data, io::Wait wait) {
  if (const auto head = std::move(head_)) stream_.send_head(*head, false);
  return stream_.send(data, wait);
}

io::Task<Result<>> Http2Channel::finish(BytesView last, const MessageHead* trailers, io::Wait wait) {
  const auto head = std::move(head_);
  const bool bare = last.empty() && (trailers == nullptr || trailers->fields.empty());
  if (head) stream_.send_head(*head, bare);
  if (head && bare)
    co_return stream_.broken() ? Result<>(fail(ErrorKind::reset, "the stream was reset")) : Result<>();
  stream_.set_trailers(trailers);
  const auto sent = co_await stream_.finish(last, wait);
  stream_.set_trailers(nullptr);
  co_return sent;
}

}  // namespace passerelle::http
