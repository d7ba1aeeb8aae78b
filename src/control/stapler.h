// Keeps the OCSP answers of the certificates in force fresh.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "control/http_client.h"
#include "io/engine.h"
#include "io/task.h"
#include "model/gateway.h"
#include "telemetry/event_log.h"
#include "tls/ocsp.h"
#include "tls/staples.h"

namespace passerelle::control {

// A resource on the control plane's engine.
class Stapler {
 public:
  Stapler(io::Engine& engine, HttpClient& client, tls::Staples& staples, telemetry::EventLog& events)
      : engine_(engine), client_(client), staples_(staples), events_(events) {}

  // From now on for the certificates of this gateway: those that name a responder and came with their issuer.
  void follow(const model::Gateway& gateway);
  // Asks whoever is due, and again when its answer is half way to its end, until `changed` is requested.
  [[nodiscard]] io::Task<> run(io::StopSource& changed);

 private:
  struct Followed {
    std::string name;
    tls::Issued certificate;
    WallTime due{};
    WallTime end{};  // of the answer there is
  };
  io::Task<> ask(Followed& followed, io::StopSource& stop);

  io::Engine& engine_;
  HttpClient& client_;
  tls::Staples& staples_;
  telemetry::EventLog& events_;
  std::map<std::string, Followed> followed_;  // by fingerprint
};

}  // namespace passerelle::control
