#include "http/http1_channel.h"

#include "protocol/http1/head_writer.h"

namespace passerelle::http {

io::SendOperation Http1Channel::send_head(const MessageHead& head, io::Wait wait) {
  workspace_.assembled.clear();
  http1::append_response_head(workspace_.assembled, head);
  sent_before_ += workspace_.assembled.size();
  return stream_.send(workspace_.assembled, wait);
}

void Http1Channel::begin_answer(const MessageHead& head, http1::Framing::Kind kind) {
  sent_before_ = bytes_sent();
  kind_ = kind;
  auto buffer = workspace_.buffers.take();
  http1::append_response_head(buffer->bytes, head);
  answer_.emplace(stream_, workspace_, kind);
  answer_->set_head(std::move(buffer));
}

io::SendOperation Http1Channel::write(BytesView data, io::Wait wait) { return answer_->write(data, wait); }

io::Task<Result<>> Http1Channel::finish(BytesView last, const MessageHead* trailers, io::Wait wait) {
  co_return co_await answer_->finish(last, trailers, wait);
}

// Where the framing tells, closing is enough, and what was sent still arrives; a body that ends with the
// connection needs the reset.
void Http1Channel::break_off() {
  if (kind_ == http1::Framing::Kind::until_close) stream_.reset_on_close();
}

}  // namespace passerelle::http
