#include "http/message_source.h"

#include "io/engine.h"

namespace passerelle::http {

io::Task<HeadOutcome> MessageSource::read_head(MessageHead& head, io::Wait idle, Duration rest,
                                               io::StopSource& rest_stop) {
  return read_head(head, idle, rest, &rest_stop);
}

io::Task<HeadOutcome> MessageSource::read_head(MessageHead& head, io::Wait wait) {
  return read_head(head, wait, std::nullopt, nullptr);
}

io::Task<HeadOutcome> MessageSource::read_head(MessageHead& head, io::Wait first,
                                               std::optional<Duration> rest, io::StopSource* rest_stop) {
  head.clear();
  head_parser_.reset();
  release_consumed();
  io::Wait wait = first;
  for (;;) {
    BytesView bytes;
    const bool kept = has_unread();
    if (kept) {
      bytes = unread();
    } else {
      const auto got = co_await stream_.receive(wait);
      if (!got || got->empty()) {
        const Error error =
            got ? Error{ErrorKind::closed, Side::gateway, 0, "ended inside a head"} : got.error();
        const bool quiet =
            !head_parser_.begun() && (error.kind == ErrorKind::closed || error.kind == ErrorKind::stopped ||
                                      error.kind == ErrorKind::reset || error.kind == ErrorKind::timed_out);
        co_return HeadOutcome{quiet ? HeadOutcome::Kind::ended : HeadOutcome::Kind::failed, {}, error};
      }
      bytes = *got;
    }
    if (rest && !head_parser_.begun()) wait = {stream_.engine().now() + *rest, rest_stop};
    const auto progress = head_parser_.feed(bytes, limits_, head);
    if (!progress) co_return HeadOutcome{HeadOutcome::Kind::refused, progress.error(), {}};
    if (kept)
      consumed_unread(progress->consumed);
    else
      keep(bytes.substr(progress->consumed));
    if (progress->complete) co_return HeadOutcome{HeadOutcome::Kind::complete, {}, {}};
  }
}

void MessageSource::keep(BytesView rest) {
  if (rest.empty()) return;
  if (!unread_) unread_ = workspace_.buffers.take();
  unread_->bytes.append(rest);
}

void MessageSource::consumed_unread(std::size_t n) {
  unread_at_ += n;
  release_consumed();
}

void MessageSource::release_consumed() {
  if (has_unread()) return;
  unread_.reset();
  unread_at_ = 0;
}

void MessageSource::rest() {
  head_parser_.reset();
  trailers_.reset();
  release_consumed();
}

std::string MessageSource::take_unread() {
  if (!has_unread()) return {};
  std::string out(unread());
  unread_.reset();
  unread_at_ = 0;
  return out;
}

void MessageSource::begin_body(const http1::Framing& framing) {
  framing_ = framing;
  left_ = framing.length;
  body_bytes_ = 0;
  finished_ = !framing.has_body();
  trailers_.reset();
  if (framing.kind == http1::Framing::Kind::chunked) {
    chunks_.reset();
    trailers_ = workspace_.heads.take();
  }
}

io::Task<Result<BytesView>> MessageSource::read_body(io::Wait wait) {
  for (;;) {
    if (auto here = body_at_hand()) co_return *here;
    release_consumed();
    const auto got = co_await stream_.receive(wait);
    if (!got) co_return std::unexpected(got.error());
    if (got->empty()) {
      if (framing_.kind != http1::Framing::Kind::until_close)
        co_return fail(ErrorKind::closed, "the body was cut short");
      finished_ = true;
      co_return BytesView();
    }
    const auto piece = counted(decode(*got));
    if (!piece || !piece->empty()) co_return piece;
  }
}

std::optional<Result<BytesView>> MessageSource::body_at_hand() {
  while (!finished_ && has_unread()) {
    // decode() reads from the kept bytes, which stay where they are until the next call.
    const auto piece = counted(decode(unread()));
    if (!piece || !piece->empty()) return piece;
  }
  if (finished_) return BytesView();
  return std::nullopt;
}

Result<BytesView> MessageSource::counted(Result<BytesView> piece) {
  if (!piece) return piece;
  body_bytes_ += piece->size();
  // Of requests only: an answer may go on for ever, as event streams do.
  if (kind_ == http1::HeadKind::request && body_bytes_ > limits_.body_bytes_max)
    return fail(ErrorKind::too_large, "the body is longer than body_bytes_max");
  return piece;
}

// Splits body from what follows it; the rest is kept for the next message.
Result<BytesView> MessageSource::decode(BytesView bytes) {
  const bool kept = has_unread();
  const auto settle = [&](std::size_t consumed) {
    if (kept)
      unread_at_ += consumed;  // the buffer itself stays: the piece may point into it
    else
      keep(bytes.substr(consumed));
  };
  switch (framing_.kind) {
    case http1::Framing::Kind::none: return BytesView();
    case http1::Framing::Kind::until_close: settle(bytes.size()); return bytes;
    case http1::Framing::Kind::length: {
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
      left_ -= n;
      finished_ = left_ == 0;
      settle(n);
      return bytes.substr(0, n);
    }
    case http1::Framing::Kind::chunked: return decode_chunks(bytes);
  }
  return BytesView();
}

Result<BytesView> MessageSource::decode_chunks(BytesView bytes) {
  const bool kept = has_unread();
  workspace_.decoded.clear();
  std::size_t at = 0;
  while (at < bytes.size() && !finished_) {
    const auto piece = chunks_.next(bytes.substr(at), limits_, *trailers_);
    if (!piece) return fail(ErrorKind::protocol, piece.error().what);
    workspace_.decoded += piece->data;
    at += piece->consumed;
    finished_ = piece->finished;
  }
  if (kept)
    unread_at_ += at;
  else
    keep(bytes.substr(at));
  return BytesView(workspace_.decoded);
}

}  // namespace passerelle::http
