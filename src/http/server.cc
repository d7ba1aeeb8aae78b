#include "http/server.h"

#include <fmt/format.h>

#include <iterator>

#include "http/message_source.h"
#include "protocol/websocket/handshake.h"

namespace passerelle::http {
namespace {

constexpr std::size_t own_body_bytes_max = mebibyte;

std::string write_response(const Response& response, std::string_view date, bool keep_alive, bool with_body) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nServer: Passerelle\r\nDate: {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n",
      response.status,
      response.status == 200   ? "OK"
      : response.status == 404 ? "Not Found"
                               : "Status",
      date, response.content_type, response.body.size());
  for (const auto& [name, value] : response.fields) out += fmt::format("{}: {}\r\n", name, value);
  if (!keep_alive) out += "Connection: close\r\n";
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
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
    tasks_.spawn(serve_connection(std::move(accepted->stream)));
  }
  listener_.reset();
}

io::Task<> Server::serve_connection(std::unique_ptr<io::Stream> stream) {
  MessageSource source(*stream, http1::HeadKind::request, limits_, workspace_);
  auto head = workspace_.heads.take();
  for (;;) {
    const auto outcome = co_await source.read_head(*head, engine_.in(limits_.keep_alive_timeout, accepting_),
                                                   limits_.head_timeout, tasks_.stop_source());
    if (outcome.kind == HeadOutcome::Kind::refused) {
      const std::string page =
          write_response({outcome.refusal.status, "text/plain", outcome.refusal.what, {}},
                         date_.at(engine_.wall()), false, true);
      (void)co_await stream->finish(page, engine_.in(limits_.linger_timeout, tasks_.stop_source()));
    }
    if (outcome.kind != HeadOutcome::Kind::complete) co_return;
    const auto websocket = websocket::asks_for_websocket(*head, {});
    if (upgrade_ && websocket && *websocket) {
      std::string unread = source.take_unread();
      co_return co_await upgrade_(std::move(stream), *head, std::move(unread));
    }
    if (!co_await serve_request(*stream, source, *head)) co_return;
  }
}

// Whether the connection may go on.
io::Task<bool> Server::serve_request(io::Stream& stream, MessageSource& source, const MessageHead& head) {
  const io::Wait wait = engine_.in(limits_.body_timeout, tasks_.stop_source());
  const auto target = http1::request_target(head);
  const auto framing = http1::request_framing(head, limits_);
  const bool persistent = target && framing && http1::is_persistent(head);
  Response response;
  if (!target || !framing) {
    response = {!target ? target.error().status : framing.error().status,
                "text/plain",
                !target ? target.error().what : framing.error().what,
                {}};
  } else {
    Request request{head, *target, {}};
    source.begin_body(*framing);
    while (!source.body_finished()) {
      const auto piece = co_await source.read_body(wait);
      if (!piece) co_return false;
      if (request.body.size() + piece->size() > own_body_bytes_max) {
        const Response too_long{413, "text/plain", "the body is longer than 1 MiB\n", {}};
        const std::string refused = write_response(too_long, date_.at(engine_.wall()), false, true);
        (void)co_await stream.finish(refused, wait);
        co_return false;
      }
      request.body += *piece;
    }
    response = co_await handler_(request);
  }
  const bool keep_alive = persistent && !accepting_.requested();
  const std::string text =
      write_response(response, date_.at(engine_.wall()), keep_alive, head.method() != "HEAD");
  if (!co_await stream.send(text, wait)) co_return false;
  if (!keep_alive) (void)co_await stream.finish({}, wait);
  co_return keep_alive;
}

}  // namespace passerelle::http
