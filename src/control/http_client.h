// Asks other servers over HTTP or HTTPS: for custom error pages, and OCSP responders.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "base/limits.h"
#include "http/workspace.h"
#include "io/engine.h"
#include "io/resolver.h"
#include "io/task.h"
#include "tls/tls_stream.h"

namespace passerelle::control {

// A value. With a body, or where it says so, it is a POST; else a GET.
struct HttpQuestion {
  std::string url;
  std::string_view accept;
  std::size_t answer_bytes_max = 0;
  std::string body = {};
  std::string_view content_type = {};
  bool post = false;
  std::string bearer = {};  // a token
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

// A resource on the control plane's engine. One request a connection, no redirects; certificates are verified
// by the system's authorities.
class HttpClient {
 public:
  HttpClient(io::Engine& engine, io::Resolver& resolver) : engine_(engine), resolver_(resolver) {}

  // Whatever the answer is. The error is a part of a sentence: why there is none.
  [[nodiscard]] io::Task<std::expected<HttpAnswer, std::string>> answer(HttpQuestion question, io::Wait wait);
  // The body of a 200. The error is a part of a sentence: why there is none.
  [[nodiscard]] io::Task<std::expected<std::string, std::string>> ask(HttpQuestion question, io::Wait wait);

 private:
  struct Target {
    bool tls = false;
    std::string authority, host, target;
    std::uint16_t port = 0;
  };
  static std::optional<Target> parse(std::string_view url);
  io::Task<std::expected<std::unique_ptr<io::Stream>, std::string>> connect(const Target& url, io::Wait wait);
  io::Task<Result<io::Resolution>> resolve(const std::string& host, io::Wait wait);

  io::Engine& engine_;
  io::Resolver& resolver_;
  Limits limits_;
  http::Workspace workspace_;
  tls::Workspace tls_workspace_;
};

}  // namespace passerelle::control
