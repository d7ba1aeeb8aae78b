// The doors of the admin listener: in clear text, and over TLS.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/options.h"
#include "control/admin_certificate.h"
#include "http/server.h"
#include "io/socket_engine.h"
#include "proxy/listening.h"
#include "tls/tls_stream.h"

namespace passerelle::program {

// A resource on the control plane's engine; stop() it before it goes.
class AdminListeners {
 public:
  using Refuse = std::function<std::optional<http::Response>(const http::Request&)>;
  using Upgrade =
      std::function<io::Task<>(std::unique_ptr<io::Stream>, const MessageHead&, std::string unread)>;
  AdminListeners(io::SocketEngine& engine, const cli::Options& options, const http::Server::Handler& handler,
                 const Refuse& refuse, const Upgrade& upgrade);

  // Opens what the command line asks for, or takes it from what was inherited. An exit code; what is wrong
  // was printed.
  [[nodiscard]] int open(std::vector<proxy::InheritedSocket>& inherited, std::int64_t now);
  void serve();
  // Nobody new; whoever asks for something gets it, and then an end.
  void stop_accepting();
  [[nodiscard]] io::Task<> stop();
  [[nodiscard]] bool busy() { return clear_.server.tasks().running() + secure_.server.tasks().running() > 0; }

  // Whether a socket that is handed over is one of these.
  [[nodiscard]] static bool has(std::string_view frontend);
  // Whether an address is one the command line names.
  [[nodiscard]] bool is_own(const Endpoint& address) const;
  [[nodiscard]] std::vector<proxy::SharedSocket> share() const;
  // Whether a client that asks for this host (no port) may mean us: a page somewhere else that makes a
  // browser ask us by a name of its own (DNS rebinding) may not.
  [[nodiscard]] bool answers_to(std::string_view host) const;
  // "http://127.0.0.1:9700/ and https://…"; empty: there is none.
  [[nodiscard]] std::string addresses() const;
  // Which certificate was made, where it was.
  [[nodiscard]] const std::string& note() const { return note_; }

 private:
  struct Door {
    std::string asked;  // as on the command line
    std::string_view option, scheme, inherited_as;
    http::Server server;
    std::unique_ptr<io::Listener> listener = nullptr;  // until it serves
    Endpoint address = {};
  };
  [[nodiscard]] int open(Door& door, std::vector<proxy::InheritedSocket>& inherited);
  [[nodiscard]] int make_context(std::int64_t now);
  io::Task<std::unique_ptr<io::Stream>> secure(std::unique_ptr<io::Stream> stream, io::Wait wait);

  static constexpr std::size_t connections_max = 256;  // of each door
  io::SocketEngine& engine_;
  const cli::Options& options_;
  tls::Workspace workspace_;
  std::optional<tls::Certificate> certificate_;
  std::shared_ptr<const tls::ServerContext> context_;
  std::string note_;
  Door clear_;
  Door secure_;
};

}  // namespace passerelle::program
