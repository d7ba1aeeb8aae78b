// Azure's REST API for the one gateway that is carried here, so that Azure's own clients can run it.
// Source: Microsoft.Network/applicationGateways, API 2024-01-01; Azure Resource Manager, asynchronous
// operations; behaviour sheet, sections 10.3, 18 and 21; docs/decisions/0022.
#pragma once

#include <optional>
#include <string>

#include "admin/arm_route.h"
#include "admin/observed.h"
#include "admin/operations.h"
#include "control/configuration.h"
#include "io/engine.h"
#include "io/task_group.h"

namespace passerelle::admin {

// A resource on the control plane's engine; stop() it before it goes. Whoever calls has checked who asks.
class ArmApi {
 public:
  ArmApi(io::Engine& engine, Random& random, control::Configuration& configuration, const Observed& observed)
      : engine_(engine),
        random_(random),
        configuration_(configuration),
        observed_(observed),
        operations_(random),
        tasks_(engine) {}

  [[nodiscard]] static bool has(std::string_view path) {
    return starts_with_ignoring_case(path, "/subscriptions/");
  }
  [[nodiscard]] io::Task<http::Response> answer(const http::Request& request);
  // Why a PUT of what a template came to would be refused, whatever it holds.
  [[nodiscard]] std::optional<Problem> refused_name(const model::Gateway& evaluated) const;
  // A PUT of what a template came to, with its secrets: of the gateway there is, or of the first.
  [[nodiscard]] http::Response put(const http::Request& request, const arm::Loaded& evaluated);
  [[nodiscard]] io::Task<> stop();

 private:
  // A change that was accepted and is not made yet. A later one takes its place.
  struct Change {
    std::string operation;
    control::Candidate candidate;
    std::string why;                  // for the event log
    std::string_view provisioning;    // what a GET shows meanwhile
    std::string_view tunnels_reason;  // not empty: the tunnels end with it
    http::Response result;
  };
  // One request, with what all answers to it need.
  struct Call {
    const http::Request& request;
    ArmRoute route;
    std::string api_version;
    [[nodiscard]] std::string base() const;  // "https://host:port"
  };

  [[nodiscard]] io::Task<http::Response> answer(const Call& call);
  [[nodiscard]] io::Task<http::Response> answer_gateway(const Call& call);
  [[nodiscard]] http::Response put(const Call& call);
  [[nodiscard]] http::Response replace(const Call& call, const std::string& document);
  // Why it may not have that id: it is no name, or there is another gateway.
  [[nodiscard]] std::optional<Problem> refused_id(const arm::GatewayId& id) const;
  [[nodiscard]] arm::GatewayId id_of(const model::Gateway& evaluated) const;
  [[nodiscard]] std::optional<http::Response> refused_name(const Call& call) const;
  [[nodiscard]] http::Response patch(const Call& call);
  [[nodiscard]] http::Response remove(const Call& call);
  [[nodiscard]] http::Response set_stopped(const Call& call, bool stopped);
  [[nodiscard]] http::Response list(const Call& call) const;
  [[nodiscard]] http::Response health(const Call& call);
  [[nodiscard]] io::Task<http::Response> health_on_demand(const Call& call);
  [[nodiscard]] http::Response operation(const Call& call);

  // What holds once all that was accepted is done.
  [[nodiscard]] const control::Applied& latest() const;
  [[nodiscard]] bool is_here(const ArmRoute& route) const;
  [[nodiscard]] std::string shown(const control::Applied& applied, std::string_view provisioning) const;
  [[nodiscard]] std::string_view provisioning_state() const;
  // Why the gateway may not be changed by this call.
  [[nodiscard]] std::optional<http::Response> refused_change(const Call& call) const;
  [[nodiscard]] http::Response accept(const Call& call, Change change, http::Response answer);
  [[nodiscard]] static http::Response point_to(const Call& call, const std::string& operation,
                                               http::Response answer, bool with_location);
  io::Task<> make_change();

  io::Engine& engine_;
  Random& random_;
  control::Configuration& configuration_;
  const Observed& observed_;
  Operations operations_;
  std::optional<Change> change_;
  bool last_failed_ = false;
  io::TaskGroup tasks_;
};

}  // namespace passerelle::admin
