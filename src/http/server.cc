#include "http/server.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/message_source.h"
#include "protocol/http_status.h"
#include "protocol/websocket/handshake.h"

namespace passerelle::http {
namespace {

constexpr std::chrono::seconds first_head_timeout{10};

std::string write_response(const Response& response, std::string_view date, bool keep_alive, bool with_body) {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\nServer: Passerelle\r\nDate: {}\r\n", response.status,
                                reason_phrase(response.status), date);
  // RFC 9110 section 8.6: of these, no length.
  const bool none = response.status == 204 || response.status == 304;
  if (!none && !response.content_type.empty())
    out += fmt::format("Content-Type: {}\r\n", response.content_type);
  if (!none) out += fmt::format("Content-Length: {}\r\n", response.body.size());
  for (const auto& [name, value] : response.fields) {
    out += name + ": ";
    // Whatever a value was made of, it ends with its line.
    for (const char c : value) out += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    out += "\r\n";
  }
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (with_body && !none) out += response.body;
  return out;
}

Response text(int status, std::string_view words) {
  return {status, "text/plain; charset=utf-8", std::string(words) + "\n", {}};
}

}  // namespace

void Server::serve(std::unique_ptr<io::Listener> listener) {
  listener_ = std::move(listener);
  tasks_.spawn(accept_loop());
}

io::Task<> Server::stop() {
  tasks_.stop();
  co_await tasks_.join();
  listener_.reset();
}

io::Task<> Server::accept_loop() {
  for (;;) {
    auto accepted = co_await listener_->accept({never, &accepting_});
    if (!accepted && accepted.error().kind == ErrorKind::no_resources) continue;
    if (!accepted) break;
    if (tasks_.running() <= options_.connections_max)
      tasks_.spawn(serve_connection(std::move(accepted->stream)));
  }
  listener_.reset();
}

io::Task<> Server::serve_connection(std::unique_ptr<io::Stream> stream) {
  if (options_.secure) {
    stream = co_await options_.secure(std::move(stream),
                                      engine_.in(limits_.tls_handshake_timeout, tasks_.stop_source()));
    if (!stream) co_return;
  }
  MessageSource source(*stream, http1::HeadKind::request, limits_, workspace_);
  auto head = workspace_.heads.take();
  // Who connects and asks for nothing keeps a place from others.
  Duration idle = first_head_timeout;
  for (;;) {
    const auto outcome = co_await source.read_head(*head, engine_.in(idle, accepting_), limits_.head_timeout,
                                                   tasks_.stop_source());
    idle = limits_.keep_alive_timeout;
    if (outcome.kind == HeadOutcome::Kind::refused) {
      const std::string page = write_response(text(outcome.refusal.status, outcome.refusal.what),
                                              date_.at(engine_.wall()), false, true);
      (void)co_await stream->finish(page, engine_.in(limits_.linger_timeout, tasks_.stop_source()));
    }
    if (outcome.kind != HeadOutcome::Kind::complete) co_return;
    const auto framing = http1::request_framing(*head, limits_);
    const bool websocket = framing && websocket::asks_for_websocket(*head, *framing).value_or(false);
    if (options_.upgrade && websocket && !is_refused(*head)) {
      std::string unread = source.take_unread();
      co_return co_await options_.upgrade(std::move(stream), *head, std::move(unread));
    }
    if (!co_await serve_request(*stream, source, *head)) co_return;
  }
}

// A WebSocket that is refused gets the answer that a request gets.
bool Server::is_refused(const MessageHead& head) const {
  const auto target = http1::request_target(head);
  return !target ||
         (options_.refuse && options_.refuse({head, *target, {}, static_cast<bool>(options_.secure)}));
}

// Whether the connection may go on.
io::Task<bool> Server::serve_request(io::Stream& stream, MessageSource& source, const MessageHead& head) {
  bool whole = false;
  const auto response = co_await read_and_answer(stream, source, head, whole);
  if (!response) co_return false;
  const bool keep_alive = whole && http1::is_persistent(head) && !accepting_.requested();
  const std::string answer =
      write_response(*response, date_.at(engine_.wall()), keep_alive, head.method() != "HEAD");
  const io::Wait wait = engine_.in(limits_.body_timeout, tasks_.stop_source());
  if (keep_alive) co_return (co_await stream.send(answer, wait)).has_value();
  if (!co_await stream.finish(answer, wait)) co_return false;
  // Who is still sending sees the answer only if the connection is not reset meanwhile.
  const io::Wait linger = engine_.in(limits_.linger_timeout, tasks_.stop_source());
  for (std::size_t read = 0; read < limits_.linger_bytes_max;) {
    const auto got = co_await stream.receive(linger);
    if (!got || got->empty()) break;
    read += got->size();
  }
  co_return false;
}

io::Task<std::optional<Response>> Server::read_and_answer(io::Stream& stream, MessageSource& source,
                                                          const MessageHead& head, bool& whole) {
  const auto target = http1::request_target(head);
  const auto framing = http1::request_framing(head, limits_);
  if (!target) co_return text(target.error().status, target.error().what);
  if (!framing) co_return text(framing.error().status, framing.error().what);
  Request request{head, *target, {}, static_cast<bool>(options_.secure)};
  if (options_.refuse) {
    if (auto refusal = options_.refuse(request)) co_return refusal;
  }
  const Response too_long = text(413, "the body is longer than 4 MiB");
  if (framing->length > body_bytes_max) co_return too_long;
  const io::Wait wait = engine_.in(limits_.body_timeout, tasks_.stop_source());
  if (framing->has_body() && equals_ignoring_case(head.find("Expect").value_or(""), "100-continue") &&
      !co_await stream.send("HTTP/1.1 100 Continue\r\n\r\n", wait))
    co_return std::nullopt;
  source.begin_body(*framing);
  while (!source.body_finished()) {
    const auto piece = co_await source.read_body(wait);
    if (!piece && piece.error().kind == ErrorKind::protocol)
      co_return text(400, "the body's chunks are broken");
    if (!piece && piece.error().kind == ErrorKind::timed_out) co_return text(408, "the body does not come");
    if (!piece) co_return std::nullopt;
    if (request.body.size() + piece->size() > body_bytes_max) co_return too_long;
    request.body += *piece;
  }
  whole = true;
  co_return co_await handler_(request);
}

}  // namespace passerelle::http
