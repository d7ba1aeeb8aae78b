#include "control/page_fetcher.h"

#include <fmt/format.h>

#include "base/text.h"
#include "http/message_source.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/request_target.h"

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

std::optional<PageFetcher::Url> PageFetcher::parse(std::string_view text) {
  Url out;
  out.tls = starts_with_ignoring_case(text, "https://");
  if (!out.tls && !starts_with_ignoring_case(text, "http://")) return std::nullopt;
  text.remove_prefix(out.tls ? 8 : 7);
  text = text.substr(0, text.find('#'));
  const auto path = text.find_first_of("/?");
  out.authority = text.substr(0, path);
  out.target = path == std::string_view::npos ? "/" : std::string(text.substr(path));
  if (out.target.starts_with('?')) out.target = "/" + out.target;
  const auto host = http1::host_of(out.authority);
  if (!host) return std::nullopt;
  out.host = *host;
  out.port = out.tls ? 443 : 80;
  if (out.host.size() < out.authority.size())
    out.port = parse_decimal<std::uint16_t>(std::string_view(out.authority).substr(out.host.size() + 1))
                   .value_or(out.port);
  if (out.host.starts_with('[')) out.host = out.host.substr(1, out.host.size() - 2);
  return out;
}

io::Task<Result<io::Resolution>> PageFetcher::resolve(const std::string& host, io::Wait wait) {
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

io::Task<std::expected<std::unique_ptr<io::Stream>, std::string>> PageFetcher::connect(const Url& url,
                                                                                       io::Wait wait) {
  const auto found = co_await resolve(url.host, wait);
  if (!found || found->addresses.empty())
    co_return std::unexpected(fmt::format("the name {} cannot be resolved", url.host));
  auto connected = co_await engine_.connect({found->addresses.front(), url.port, {}}, wait);
  if (!connected) co_return std::unexpected(why(connected.error()));
  if (!url.tls) co_return std::move(*connected);
  const auto context = tls::ClientContext::make_verifying();
  if (!context) co_return std::unexpected(context.error());
  auto secured = std::make_unique<tls::TlsStream>(std::move(*connected), **context, tls_workspace_, url.host);
  secured->verify_name(url.host);
  if (auto shaken = co_await secured->handshake(wait); !shaken)
    co_return std::unexpected("TLS: " + why(shaken.error()));
  co_return std::move(secured);
}

io::Task<std::expected<std::string, std::string>> PageFetcher::get(std::string text, std::size_t bytes_max,
                                                                   io::Wait wait) {
  const auto url = parse(text);
  if (!url) co_return std::unexpected(std::string("it is no URL"));
  auto stream = co_await connect(*url, wait);
  if (!stream) co_return std::unexpected(stream.error());
  const std::string request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: Passerelle\r\nAccept: text/html\r\nConnection: "
      "close\r\n\r\n",
      url->target, url->authority);
  if (auto sent = co_await (*stream)->send(request, wait); !sent)
    co_return std::unexpected(why(sent.error()));
  http::MessageSource source(**stream, http1::HeadKind::response, limits_, workspace_);
  auto head = workspace_.heads.take();
  const auto outcome = co_await source.read_head(*head, wait);
  if (outcome.kind != http::HeadOutcome::Kind::complete)
    co_return std::unexpected(std::string("what answers is no HTTP"));
  if (head->status != 200) co_return std::unexpected(fmt::format("the answer is a {}", head->status));
  const auto framing = http1::response_framing(*head, "GET");
  if (!framing) co_return std::unexpected(std::string(framing.error().what));
  source.begin_body(*framing);
  std::string body;
  while (!source.body_finished()) {
    const auto piece = co_await source.read_body(wait);
    if (!piece) co_return std::unexpected(why(piece.error()));
    if (body.size() + piece->size() > bytes_max)
      co_return std::unexpected(fmt::format("it is longer than {} bytes", bytes_max));
    body += *piece;
  }
  co_return body;
}

}  // namespace passerelle::control
