// Load, reload, watch: what is in force, and how it changes.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "arm/document.h"
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

// Of the state folder: the document that the REST API has applied.
inline constexpr const char* kept_document = "gateway.json";

// What program/ hands in. `prepare` changes nothing and may refuse; then `commit`, which cannot fail, or
// `abandon`.
struct Activation {
  std::function<Problems(std::shared_ptr<const model::Gateway>)> prepare;
  std::function<void()> commit;
  std::function<void()> abandon;
  // The configuration in force with other error pages.
  std::function<void(std::shared_ptr<const model::Gateway>)> refresh;
};

// The gateway as the REST API shows and keeps it. A value.
struct Applied {
  arm::GatewayId id;
  std::string printed;   // as arm::print_resource() writes it; empty: there is no gateway
  std::string document;  // the same with its secrets
  bool stopped = false;  // nothing of it is carried
  std::map<std::string, std::string> public_certificates;  // by name: PKCS #7, in base64

  [[nodiscard]] bool exists() const { return !printed.empty(); }
};

// What could be in force. A value.
struct Candidate {
  std::shared_ptr<model::Gateway> gateway;  // what is to be carried; null: it has errors
  Applied applied;
  Problems problems;
  std::optional<FileSource> source;  // what it was read by
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
  // A copy, to be asked elsewhere.
  [[nodiscard]] FileSource source() const { return source_; }

  // --- for the REST API ---
  // Whether the API has it; else the templates of the command line have, and it is only read.
  [[nodiscard]] bool is_kept() const { return source_.kept(); }
  [[nodiscard]] const Applied& applied() const { return applied_; }
  // What a document comes to, stopped or not. Changes nothing.
  [[nodiscard]] Candidate consider(const std::string& document, const arm::GatewayId& id, bool stopped) const;
  // In force and on the disk when this returns without an error; else nothing has changed. A candidate that
  // does not exist: there is no gateway any more.
  [[nodiscard]] Problems apply(Candidate candidate, std::string_view why);

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
  [[nodiscard]] static Candidate candidate_of(arm::Loaded loaded);
  [[nodiscard]] Problems prepare(Candidate& candidate);
  void commit(Candidate candidate);
  [[nodiscard]] Problems keep(const Applied& applied) const;
  // The key of affinity cookies, where the local file gives none and somebody needs it.
  void find_affinity_key(model::Gateway& gateway, Problems& problems);
  io::Task<> fetch_error_page(std::string url, io::Engine& engine, HttpClient& client, io::StopSource& stop);
  FileSource source_;
  StateFolder state_;
  Activation activation_;
  Random& random_;
  telemetry::EventLog& events_;
  std::shared_ptr<const model::Gateway> gateway_;
  Applied applied_;
  std::uint64_t version_ = 0;
  std::map<std::string, std::shared_ptr<const std::string>> pages_;  // by URL: the last that could be had
  std::set<std::string> under_way_;                                  // URLs being fetched
  // Wake who waits for a version: those who follow error pages, and certificates.
  std::unique_ptr<io::StopSource> pages_changed_;
  std::unique_ptr<io::StopSource> certificates_changed_;
  std::string made_key_;  // where the state folder cannot be written
};

}  // namespace passerelle::control
