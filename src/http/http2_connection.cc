#include "http/http2_connection.h"

#include <utility>

namespace passerelle::http {

Http2Connection::Http2Connection(io::Stream& transport, const Limits& limits, Workspace& workspace,
                                 Serve serve)
    : transport_(transport),
      engine_(transport.engine()),
      limits_(limits),
      workspace_(workspace),
      serve_(std::move(serve)),
      session_(limits, *this),
      work_(engine_),
      room_(engine_) {}

Http2Connection::~Http2Connection() {
  beginning_.reset();
  begun_.clear();
}

io::Task<> Http2Connection::run(io::StopSource& draining, io::StopSource& stop) {
  io::TaskGroup tasks(engine_, &stop);
  stop_ = &tasks.stop_source();
  arm(leave_alarm_, limits_.head_timeout);
  if (draining.requested())
    leave();
  else
    draining.add(*this);
  tasks.spawn(write());
  co_await read();
  // Whoever is still here loses the connection.
  StopHook::unlink();
  beginning_.reset();
  begun_.clear();
  leave_alarm_.disarm();
  head_alarm_.disarm();
  streams_.for_each([](Http2Stream::Place& place) { place.stream.lose(); });
  if (!lost_ && stop.requested()) session_.go_away();
  ending_ = true;
  // What could not be sent until now is of no more use.
  if (sending_) tasks.stop();
  work_.notify();
  co_await tasks.join();
  leave_alarm_.disarm();
  stop_ = nullptr;
}

io::Task<> Http2Connection::read() {
  bool first = true;
  while (!session_.finished()) {
    const auto got = co_await transport_.receive({never, stop_});
    if (!got || got->empty()) {
      lost_ = lost_ || !stop_->requested();
      co_return;
    }
    if (std::exchange(first, false) && open_ == 0 && leaving_ == Leaving::no) rest();
    session_.feed(*got, engine_.now());
    if (!beginning_)
      head_alarm_.disarm();
    else if (!head_alarm_.armed())
      arm(head_alarm_, limits_.head_timeout);
    start_requests();
    flush_soon();
    if (session_.broken()) co_return;
    while (session_.replies_waiting() > limits_.h2_replies_max && !lost_ && !stop_->requested())
      co_await room_.wait();
  }
}

io::Task<> Http2Connection::write() {
  for (;;) {
    start_requests();
    frame();
    if (!output_) {
      if (session_.finished()) stop_->request_stop();
      if (ending_ || lost_ || session_.finished()) break;
      co_await work_.wait();
      continue;
    }
    // Sent as a worker's memory: while this waits the stream below has its copy of what is left.
    std::swap(workspace_.framed, output_->bytes);
    output_.reset();
    sending_ = true;
    arm(send_alarm_, limits_.send_timeout);
    // Once stopped: the last words.
    const io::Wait wait = stop_->requested() ? io::Wait{engine_.now() + limits_.linger_timeout, nullptr}
                                             : io::Wait{never, stop_};
    const auto sent = co_await transport_.send(workspace_.framed, wait);
    send_alarm_.disarm();
    sending_ = false;
    room_.notify();
    if (!sent) {
      lost_ = true;
      stop_->request_stop();
      break;
    }
  }
  room_.notify();
}

// A tunnel may wait for its peer for as long as the peer's host is there; nothing else may.
void Http2Connection::on_stalled() {
  if (tunnels_ > 0 && !ending_) return arm(send_alarm_, limits_.send_timeout);
  lost_ = true;
  stop_->request_stop();
}

// What follows can only be the rest of it: the connection is of no use to anybody.
void Http2Connection::on_late_head() {
  session_.break_off(http2::ErrorCode::enhance_your_calm);
  stop_->request_stop();
}

void Http2Connection::frame() {
  if (lost_) return;
  if (!output_) output_ = workspace_.buffers.take();
  session_.take_output(output_->bytes, limits_.h2_output_bytes_max);
  if (output_->bytes.empty()) output_.reset();
}

http2::StreamHandler& Http2Connection::begin_stream(http2::StreamId id) {
  // One before it whose head never became whole is gone.
  beginning_ = std::make_unique<Http2Stream>(*this, id);
  return *beginning_;
}

void Http2Connection::on_request(http2::StreamHandler& /*stream*/, const http2::RequestHead::Kind& kind) {
  beginning_->websocket_ = kind.websocket;
  beginning_->ended_ = kind.ended;
  begin();
}

void Http2Connection::on_refused_head(http2::StreamHandler& /*stream*/, const ParseError& why) {
  beginning_->refusal_ = why;
  begin();
}

void Http2Connection::begin() {
  if (open_++ == 0 && leaving_ == Leaving::no) leave_alarm_.disarm();
  streams_.push_back(beginning_->place_);
  begun_.push_back(std::move(beginning_));
}

// WebSockets do not wait for requests, which may take their time: they have a number of their own.
void Http2Connection::start_requests() {
  if (begun_.empty()) return;
  auto begun = std::exchange(begun_, {});
  std::size_t waiting_bytes = 0;
  for (auto& stream : begun) {
    // Reset before its turn came: nobody need know of it.
    if (stream->closed_) continue;
    std::size_t& under_way = stream->websocket_ ? handshaking_ : serving_;
    if (under_way < limits_.h2_requests_at_once_max) {
      ++under_way;
      stream->served_ = true;
      if (!stream->websocket_) count_request();
      serve_(std::move(stream));
      continue;
    }
    waiting_bytes += stream->head_->text.size();
    if (waiting_bytes > limits_.h2_waiting_head_bytes_max)
      session_.reset(*stream, http2::ErrorCode::refused_stream);
    else
      begun_.push_back(std::move(stream));
  }
}

void Http2Connection::count_request() {
  if (++requests_ >= limits_.h2_requests_max) leave();
}

void Http2Connection::became_tunnel(Http2Stream& stream) {
  ++tunnels_;
  if (std::exchange(stream.served_, false)) --handshaking_;
}

void Http2Connection::closed(Http2Stream& stream) {
  flush_soon();
  if (stream.tunnel_) --tunnels_;
  if (stream.served_) --(stream.websocket_ ? handshaking_ : serving_);
  if (!stream.place_.linked()) return;
  stream.place_.unlink();
  // A WebSocket that did not come about was a request.
  if (stream.served_ && stream.websocket_) count_request();
  if (--open_ == 0 && leaving_ == Leaving::no) rest();
}

void Http2Connection::rest() {
  if (stop_ != nullptr) arm(leave_alarm_, limits_.h2_idle_timeout);
}

// A client that is busy is told first, so that what it sends before it has read that is still served.
void Http2Connection::leave() {
  if (leaving_ != Leaving::no || stop_ == nullptr) return;
  if (open_ == 0) return go();
  leaving_ = Leaving::announced;
  session_.announce_end();
  arm(leave_alarm_, limits_.h2_farewell);
  flush_soon();
}

void Http2Connection::go() {
  leaving_ = Leaving::gone;
  session_.go_away();
  flush_soon();
}

void Http2Connection::on_stop() { leave(); }

}  // namespace passerelle::http
