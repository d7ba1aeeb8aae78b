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
  engine_.timers().arm(*this, engine_.now() + limits_.head_timeout);
  if (draining.requested())
    leave();
  else
    draining.add(*this);
  tasks.spawn(write());
  co_await read();
  // Whoever is still here loses the connection.
  StopHook::unlink();
  Timer::disarm();
  beginning_.reset();
  begun_.clear();
  streams_.for_each([](Http2Stream::Place& place) { place.stream.lose(); });
  if (!lost_ && stop.requested()) session_.go_away();
  ending_ = true;
  // What could not be sent until now is of no more use.
  if (sending_) tasks.stop();
  work_.notify();
  co_await tasks.join();
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
      if (ending_ || lost_ || session_.finished()) co_return;
      co_await work_.wait();
      continue;
    }
    // Sent as a worker's memory: while this waits the stream below has its copy of what is left.
    std::swap(workspace_.framed, output_->bytes);
    output_.reset();
    sending_ = true;
    const auto sent = co_await transport_.send(workspace_.framed, time_to_send());
    sending_ = false;
    room_.notify();
    if (!sent) {
      lost_ = true;
      stop_->request_stop();
      co_return;
    }
  }
}

io::Wait Http2Connection::time_to_send() {
  // Already stopped: the last words.
  if (stop_->requested()) return {engine_.now() + limits_.linger_timeout, nullptr};
  // A tunnel may wait for its peer for as long as the peer's host is there.
  if (tunnels_ > 0 && !ending_) return {never, stop_};
  return {engine_.now() + limits_.send_timeout, stop_};
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
  if (open_++ == 0 && leaving_ == Leaving::no) Timer::disarm();
  streams_.push_back(beginning_->place_);
  begun_.push_back(std::move(beginning_));
}

// WebSockets need not wait: what they hold they would hold on connections of their own, too.
void Http2Connection::start_requests() {
  if (begun_.empty()) return;
  auto begun = std::exchange(begun_, {});
  for (auto& stream : begun) {
    // Reset before its turn came: nobody need know of it.
    if (stream->closed_) continue;
    if (stream->websocket_) {
      serve_(std::move(stream));
    } else if (serving_ < limits_.h2_requests_at_once_max) {
      stream->served_ = true;
      ++serving_;
      count_request();
      serve_(std::move(stream));
    } else {
      begun_.push_back(std::move(stream));
    }
  }
}

void Http2Connection::count_request() {
  if (++requests_ >= limits_.h2_requests_max) leave();
}

void Http2Connection::closed(Http2Stream& stream) {
  flush_soon();
  if (stream.tunnel_) --tunnels_;
  if (stream.served_) --serving_;
  if (!stream.place_.linked()) return;
  stream.place_.unlink();
  // A WebSocket that did not come about was a request.
  if (stream.websocket_ && !stream.tunnel_) count_request();
  if (--open_ == 0 && leaving_ == Leaving::no) rest();
}

void Http2Connection::rest() {
  if (stop_ != nullptr) engine_.timers().arm(*this, engine_.now() + limits_.h2_idle_timeout);
}

// A client that is busy is told first, so that what it sends before it has read that is still served.
void Http2Connection::leave() {
  if (leaving_ != Leaving::no || stop_ == nullptr) return;
  if (open_ == 0) return on_timer();
  leaving_ = Leaving::announced;
  session_.announce_end();
  engine_.timers().arm(*this, engine_.now() + limits_.h2_farewell);
  flush_soon();
}

void Http2Connection::on_timer() {
  leaving_ = Leaving::gone;
  session_.go_away();
  flush_soon();
}

void Http2Connection::on_stop() { leave(); }

}  // namespace passerelle::http
