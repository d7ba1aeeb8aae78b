// The TLS contexts a configuration needs: of its frontends, and toward its members.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/problem.h"
#include "model/gateway.h"
#include "tls/client_context.h"
#include "tls/server_context.h"

namespace passerelle::proxy {

[[nodiscard]] tls::Policy tls_policy(const model::TlsPolicy& policy);

// A resource of the control plane's; what it hands out is shared with the workers. Contexts toward members
// are the same object for the same demands, across reloads too, so that whoever keeps a connection or a probe
// knows by it whether anything changed.
class TlsContexts {
 public:
  explicit TlsContexts(std::shared_ptr<const tls::Staples> staples) : staples_(std::move(staples)) {}

  using Servers = std::vector<std::shared_ptr<const tls::ServerContext>>;
  using Clients = std::vector<std::shared_ptr<const tls::ClientContext>>;

  // By frontend; null for HTTP.
  [[nodiscard]] Servers servers(const model::Gateway& gateway, Problems& problems);
  // By group; null where no member speaks TLS.
  [[nodiscard]] Clients clients(const model::Gateway& gateway, Problems& problems);
  // For probes on demand: the switches of a setting do not hold for them (behaviour sheet, section 4).
  [[nodiscard]] std::shared_ptr<const tls::ClientContext> client_on_demand(const model::Gateway& gateway,
                                                                           model::Index group);
  // By listener: what it demands of clients' certificates, as ClientFacts::authentication has it.
  [[nodiscard]] static std::vector<std::string> authentications(const model::Gateway& gateway);

  // Once an hour: tickets are sealed with a new key from now on.
  void rotate_ticket_keys() { ticket_keys_->rotate(); }
  [[nodiscard]] tls::TicketKeys& ticket_keys() { return *ticket_keys_; }

 private:
  std::expected<std::shared_ptr<const tls::ClientContext>, std::string> client(
      const model::Gateway& gateway, const model::MemberVerification& verification);

  std::shared_ptr<tls::TicketKeys> ticket_keys_ = std::make_shared<tls::TicketKeys>();
  std::shared_ptr<const tls::Staples> staples_;
  std::map<std::string, std::weak_ptr<const tls::ClientContext>> clients_;  // by what they demand
};

}  // namespace passerelle::proxy
