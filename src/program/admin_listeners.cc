#include "program/admin_listeners.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace passerelle::program {
namespace {

constexpr io::ListenOptions listen_options{.reuse_port = false, .for_clients = false, .backlog = 128};
constexpr const char* off = "off";
// What its sockets are called where they are handed over.
constexpr std::string_view clear_socket = "admin listener";
constexpr std::string_view secure_socket = "admin TLS listener";

// Clients of today; whoever has TLS 1.2 has one of these.
tls::Policy policy() {
  return {.suites = {"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
                     "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
          .suites_1_3 = {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"}};
}

}  // namespace

AdminListeners::AdminListeners(io::SocketEngine& engine, const cli::Options& options,
                               const http::Server::Handler& handler, const Refuse& refuse,
                               const Upgrade& upgrade)
    : engine_(engine),
      options_(options),
      clear_{options.admin, "--admin", "http", clear_socket,
             http::Server(engine, handler,
                          {.upgrade = upgrade, .refuse = refuse, .connections_max = connections_max})},
      secure_{options.admin_tls, "--admin-tls", "https", secure_socket,
              http::Server(engine, handler,
                           {.upgrade = upgrade,
                            .refuse = refuse,
                            .secure = [this](std::unique_ptr<io::Stream> stream,
                                             io::Wait wait) { return secure(std::move(stream), wait); },
                            .connections_max = connections_max})} {}

io::Task<std::unique_ptr<io::Stream>> AdminListeners::secure(std::unique_ptr<io::Stream> stream,
                                                             io::Wait wait) {
  auto out = std::make_unique<tls::TlsStream>(std::move(stream), *context_, workspace_);
  const auto shaken = co_await out->handshake(wait);
  co_return shaken ? std::move(out) : nullptr;
}

int AdminListeners::make_context(std::int64_t now) {
  const control::StateFolder state(options_.state);
  auto certificate = control::admin_certificate({options_.admin_cert, options_.admin_key}, state, now);
  if (!certificate) {
    fmt::print(stderr, "passerelle: error: NoAdminCertificate: the admin listener has no certificate: {}\n",
               certificate.error());
    return cli::exit_cannot_start;
  }
  certificate_ = std::move(*certificate);
  auto context =
      tls::ServerContext::make({{.host_names = {}, .certificate = *certificate_, .policy = policy()}},
                               std::make_shared<tls::TicketKeys>(), std::make_shared<tls::Staples>());
  if (!context) {
    fmt::print(stderr,
               "passerelle: error: NoAdminCertificate: the admin listener's certificate is of no use: {}\n",
               context.error());
    return cli::exit_cannot_start;
  }
  context_ = std::move(*context);
  if (options_.admin_cert.empty())
    note_ =
        fmt::format("the admin listener's certificate was made here: clients that are to trust it need {}",
                    state.path_of(control::made_certificate_name));
  return cli::exit_done;
}

int AdminListeners::open(std::vector<proxy::InheritedSocket>& inherited, std::int64_t now) {
  if (options_.admin_tls != off) {
    if (const int failed = make_context(now); failed != cli::exit_done) return failed;
  }
  for (Door* door : {&clear_, &secure_}) {
    if (door->asked == off) continue;
    if (const int failed = open(*door, inherited); failed != cli::exit_done) return failed;
  }
  return cli::exit_done;
}

int AdminListeners::open(Door& door, std::vector<proxy::InheritedSocket>& inherited) {
  const Endpoint endpoint = *Endpoint::parse(door.asked);
  // With port 0 two doors ask for the same.
  const auto own = std::ranges::find_if(inherited, [&](const auto& socket) {
    return socket.asked == endpoint && (socket.frontend.empty() || socket.frontend == door.inherited_as);
  });
  auto listener = own != inherited.end() && !own->descriptors.empty()
                      ? engine_.adopt_listener(own->descriptors.front().release(), listen_options)
                      : engine_.listen(endpoint, listen_options);
  if (!listener) {
    fmt::print(stderr,
               "passerelle: error: {}: the admin listener cannot listen on {} ({}); choose another with "
               "{} ADDRESS:PORT, or {} off\n",
               listener.error().kind == ErrorKind::in_use ? "AddressInUse" : "CannotListen", door.asked,
               to_string(listener.error().kind), door.option, door.option);
    return cli::exit_cannot_start;
  }
  door.address = (*listener)->local();
  door.listener = std::move(*listener);
  return cli::exit_done;
}

void AdminListeners::serve() {
  for (Door* door : {&clear_, &secure_}) {
    if (door->listener) door->server.serve(std::move(door->listener));
  }
}

void AdminListeners::stop_accepting() {
  clear_.server.stop_accepting();
  secure_.server.stop_accepting();
}

io::Task<> AdminListeners::stop() {
  co_await clear_.server.stop();
  co_await secure_.server.stop();
}

bool AdminListeners::has(std::string_view frontend) {
  return frontend == clear_socket || frontend == secure_socket;
}

bool AdminListeners::is_own(const Endpoint& address) const {
  return std::ranges::any_of(std::initializer_list<const Door*>{&clear_, &secure_}, [&](const Door* door) {
    return door->asked != off && address == *Endpoint::parse(door->asked);
  });
}

std::vector<proxy::SharedSocket> AdminListeners::share() const {
  std::vector<proxy::SharedSocket> out;
  for (const Door* door : {&clear_, &secure_}) {
    if (const io::Listener* listener = door->server.listener())
      out.push_back({*Endpoint::parse(door->asked),
                     door->address,
                     std::string(door->inherited_as),
                     {listener->descriptor()}});
  }
  return out;
}

bool AdminListeners::answers_to(std::string_view host) const {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return equals_ignoring_case(host, "localhost") || IpAddress::parse(host).has_value() ||
         (certificate_ && certificate_->is_for(std::string(host)));
}

std::string AdminListeners::addresses() const {
  std::string out;
  for (const Door* door : {&clear_, &secure_}) {
    if (door->asked != off)
      out += fmt::format("{}{}://{}/", out.empty() ? "" : " and ", door->scheme, door->address.to_string());
  }
  return out;
}

}  // namespace passerelle::program
