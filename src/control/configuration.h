// Load, reload, watch: what is in force, and how it changes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/random.h"
#include "control/file_source.h"
#include "control/http_client.h"
#include "control/stapler.h"
#include "control/state_folder.h"
#include "io/engine.h"
#include "io/task.h"
#include "io/task_group.h"
#include "telemetry/event_log.h"

namespace passerelle::control {

// The two functions main.cc hands in. `prepare` changes nothing and may refuse; `commit` cannot fail.
struct Activation {
  std::function<Problems(std::shared_ptr<const model::Gateway>)> prepare;
  std::function<void()> commit;
  // The configuration in force with other error pages.
  std::function<void(std::shared_ptr<const model::Gateway>)> refresh;
};

// A resource on the control plane's engine. A configuration is taken whole or not at all.
class Configuration {
 public:
  Configuration(FileSource source, StateFolder state, Activation activation, Random& random,
                telemetry::EventLog& events)
      : source_(std::move(source)),
        state_(std::move(state)),
        activation_(std::move(activation)),
        random_(random),
        events_(events) {}

  enum class Outcome : std::uint8_t { taken, invalid, cannot_start };
  // For the start: problems are returned for printing.
  [[nodiscard]] Outcome load(Problems& problems);
  // While running: problems are told in the event log, and nothing changes.
  void reload(std::string_view why);
  // Fetches the error pages that the configuration in force names by URL, once for each version, and puts
  // them in place when they are there. A page that cannot be had stays what it was before: the last one
  // fetched, or the gateway's own.
  [[nodiscard]] io::Task<> follow_error_pages(io::Engine& engine, io::Resolver& resolver,
                                              io::StopSource& stop);
  // Keeps the OCSP answers of the certificates in force.
  [[nodiscard]] io::Task<> follow_certificates(io::Engine& engine, io::Resolver& resolver,
                                               tls::Staples& staples, io::StopSource& stop);
  // Whether a file is another one than when it was loaded last.
  [[nodiscard]] bool has_changed() const { return source_.has_changed(); }
  // --watch: looks twice a second; until a file has changed since it was loaded last, and rests. False:
  // stopped.
  [[nodiscard]] io::Task<bool> changed(io::Engine& engine, io::StopSource& stop);

  [[nodiscard]] std::shared_ptr<const model::Gateway> gateway() const { return gateway_; }
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  // The key of affinity cookies, where the local file gives none and somebody needs it.
  void find_affinity_key(model::Gateway& gateway, Problems& problems);
  io::Task<> fetch_error_page(std::string url, io::Engine& engine, HttpClient& client, io::StopSource& stop);
  FileSource source_;
  StateFolder state_;
  Activation activation_;
  Random& random_;
  telemetry::EventLog& events_;
  std::shared_ptr<const model::Gateway> gateway_;
  std::uint64_t version_ = 0;
  std::map<std::string, std::shared_ptr<const std::string>> pages_;  // by URL: the last that could be had
  std::set<std::string> under_way_;                                  // URLs being fetched
  // Wake who waits for a version: those who follow error pages, and certificates.
  std::unique_ptr<io::StopSource> pages_changed_;
  std::unique_ptr<io::StopSource> certificates_changed_;
  std::string made_key_;  // where the state folder cannot be written
};

}  // namespace passerelle::control
