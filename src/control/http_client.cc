#include "control/http_client.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/message_source.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/request_target.h"
#include "protocol/url.h"

namespace passerelle::control {
namespace {

// What a coroutine and the resolver's thread share: whoever comes last finds the other gone.
struct Answer {
  std::optional<Result<io::Resolution>> value;
  io::StopSource arrived;
};

std::string why(const Error& error) {
  if (error.kind == ErrorKind::timed_out) return "nobody answers in time";
  return error.kind == ErrorKind::tls || error.kind == ErrorKind::protocol
             ? std::string(error.what)
             : std::string(to_string(error.kind));
}

}  // namespace

std::optional<HttpClient::Target> HttpClient::parse(std::string_view text) {
  const auto url = parse_url(text);
  if (!url || (url->scheme != "http" && url->scheme != "https") || !http1::host_of(url->authority))
    return std::nullopt;
  const bool tls = url->scheme == "https";
  std::string host = url->host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const std::uint16_t usual = tls ? 443 : 80;
  return Target{tls, url->authority, std::move(host), url->target, url->port.value_or(usual)};
}

io::Task<Result<io::Resolution>> HttpClient::resolve(const std::string& host, io::Wait wait) {
  if (const auto ip = IpAddress::parse(host)) co_return io::Resolution{{*ip}, {}};
  auto answer = std::make_shared<Answer>();
  resolver_.resolve(host, [answer, &engine = engine_](Result<io::Resolution> got) {
    engine.post([answer, got = std::move(got)] {
      answer->value = got;
      answer->arrived.request_stop();
    });
  });
  // Woken by the answer, or looked at twice a second in case our own stop came first.
  while (!answer->value && engine_.now() < wait.deadline && (wait.stop == nullptr || !wait.stop->requested()))
    (void)co_await engine_.sleep(engine_.in(std::chrono::milliseconds(500), answer->arrived));
  if (answer->value) co_return std::move(*answer->value);
  co_return std::unexpected(Error{ErrorKind::timed_out, {}, 0, "resolve"});
}

io::Task<std::expected<std::unique_ptr<io::Stream>, std::string>> HttpClient::connect(const Target& url,
                                                                                      io::Wait wait) {
  const auto found = co_await resolve(url.host, wait);
  if (!found || found->addresses.empty())
    co_return std::unexpected(fmt::format("the name {} cannot be resolved", url.host));
  auto connected = co_await engine_.connect({found->addresses.front(), url.port, {}}, wait);
  if (!connected) co_return std::unexpected(why(connected.error()));
  if (!url.tls) co_return std::move(*connected);
  const auto context = tls::ClientContext::make({.authorities = {}, .servers_themselves = {}});
  if (!context) co_return std::unexpected(context.error());
  auto secured = std::make_unique<tls::TlsStream>(std::move(*connected), **context, tls_workspace_, url.host);
  if (auto shaken = co_await secured->handshake(wait); !shaken)
    co_return std::unexpected("TLS: " + why(shaken.error()));
  co_return std::move(secured);
}

io::Task<std::expected<std::string, std::string>> HttpClient::ask(HttpQuestion question, io::Wait wait) {
  auto got = co_await answer(std::move(question), wait);
  if (!got) co_return std::unexpected(got.error());
  if (got->status != 200) co_return std::unexpected(fmt::format("the answer is a {}", got->status));
  co_return std::move(got->body);
}

io::Task<std::expected<HttpAnswer, std::string>> HttpClient::answer(HttpQuestion question, io::Wait wait) {
  const auto url = parse(question.url);
  if (!url) co_return std::unexpected(std::string("it is no URL"));
  auto stream = co_await connect(*url, wait);
  if (!stream) co_return std::unexpected(stream.error());
  const bool post = question.post || !question.body.empty();
  const std::string_view method = post ? "POST" : "GET";
  std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Passerelle\r\nAccept: {}\r\nConnection: close\r\n", method,
      url->target, url->authority, question.accept);
  if (!question.bearer.empty()) request += fmt::format("Authorization: Bearer {}\r\n", question.bearer);
  if (!question.body.empty()) request += fmt::format("Content-Type: {}\r\n", question.content_type);
  if (post) request += fmt::format("Content-Length: {}\r\n", question.body.size());
  request += "\r\n" + question.body;
  if (auto sent = co_await (*stream)->send(request, wait); !sent)
    co_return std::unexpected(why(sent.error()));
  http::MessageSource source(**stream, http1::HeadKind::response, limits_, workspace_);
  auto head = workspace_.heads.take();
  const auto outcome = co_await source.read_head(*head, wait);
  if (outcome.kind != http::HeadOutcome::Kind::complete)
    co_return std::unexpected(std::string("what answers is no HTTP"));
  const auto framing = http1::response_framing(*head, method);
  if (!framing) co_return std::unexpected(std::string(framing.error().what));
  source.begin_body(*framing);
  std::string body;
  while (!source.body_finished()) {
    const auto piece = co_await source.read_body(wait);
    if (!piece) co_return std::unexpected(why(piece.error()));
    if (body.size() + piece->size() > question.answer_bytes_max)
      co_return std::unexpected(fmt::format("it is longer than {} bytes", question.answer_bytes_max));
    body += *piece;
  }
  co_return HttpAnswer{head->status, std::move(body)};
}

}  // namespace passerelle::control
