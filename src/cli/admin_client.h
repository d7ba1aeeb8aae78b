// Asks the admin listener of a running gateway.
#pragma once

#include <expected>
#include <string>

#include "cli/options.h"
#include "control/http_client.h"
#include "io/epoll_engine.h"
#include "io/resolver.h"
#include "io/system_clock.h"

namespace passerelle::cli {

// A resource of one verb, with an engine of its own. Every refusal is printed here, with what to do about it.
class AdminClient {
 public:
  explicit AdminClient(const Options& options) : options_(options) {}

  // The body of a 200, or the exit code.
  [[nodiscard]] std::expected<std::string, int> get(const std::string& path) { return ask(path, {}, false); }
  // With the token of the state folder.
  [[nodiscard]] std::expected<std::string, int> post(const std::string& path, std::string body = {}) {
    return ask(path, std::move(body), true);
  }
  // Before it is asked again.
  void wait(Duration duration);

 private:
  std::expected<std::string, int> ask(const std::string& path, std::string body, bool post);

  const Options& options_;
  io::SystemClock clock_;
  io::SystemRandom random_;
  io::EpollEngine engine_{clock_, random_};
  io::AresResolver resolver_;
  control::HttpClient client_{engine_, resolver_};
};

}  // namespace passerelle::cli
