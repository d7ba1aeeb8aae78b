// Load, reload, watch: what is in force, and how it changes.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "control/file_source.h"
#include "io/engine.h"
#include "io/task.h"
#include "telemetry/event_log.h"

namespace passerelle::control {

// The two functions main.cc hands in. `prepare` changes nothing and may refuse; `commit` cannot fail.
struct Activation {
  std::function<Problems(std::shared_ptr<const model::Gateway>)> prepare;
  std::function<void()> commit;
};

// A resource on the control plane's engine. A configuration is taken whole or not at all.
class Configuration {
 public:
  Configuration(FileSource source, Activation activation, telemetry::EventLog& events)
      : source_(std::move(source)), activation_(std::move(activation)), events_(events) {}

  enum class Outcome : std::uint8_t { taken, invalid, cannot_start };
  // For the start: problems are returned for printing.
  [[nodiscard]] Outcome load(Problems& problems);
  // While running: problems are told in the event log, and nothing changes.
  void reload(std::string_view why);
  // --watch: looks twice a second whether a file changed.
  [[nodiscard]] io::Task<> watch(io::Engine& engine, io::StopSource& stop);

  [[nodiscard]] std::shared_ptr<const model::Gateway> gateway() const { return gateway_; }
  [[nodiscard]] std::uint64_t version() const { return version_; }

 private:
  FileSource source_;
  Activation activation_;
  telemetry::EventLog& events_;
  std::shared_ptr<const model::Gateway> gateway_;
  std::uint64_t version_ = 0;
};

}  // namespace passerelle::control
