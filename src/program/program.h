// `run`: both planes, the admin listener, the signals, and their introduction to each other.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "admin/admin_pages.h"
#include "admin/arm_api.h"
#include "admin/live_feed.h"
#include "cli/options.h"
#include "control/configuration.h"
#include "io/background.h"
#include "io/epoll_engine.h"
#include "io/resolver.h"
#include "io/signals.h"
#include "io/system_clock.h"
#include "program/admin_listeners.h"
#include "program/upgrade.h"
#include "proxy/data_plane.h"
#include "telemetry/event_log.h"
#include "telemetry/line_sink.h"

namespace passerelle::program {

// A resource for the life of the process, on the main thread.
class Program {
 public:
  // Call before any thread is started.
  static void block_signals();

  // `note`: for the report under the ready line; may be empty.
  Program(const cli::Options& options, CommandLine command_line, telemetry::AccessLogSettings access_log,
          std::string note);
  // The exit code.
  int run();

 private:
  control::Activation activation();
  proxy::AskResponder ask_responder();
  io::Task<> ask(tls::OcspQuestion question, proxy::ResponderReply reply);
  std::string admin_token();
  admin::Observed observe();
  std::optional<admin::DrainView> drain_member(const admin::MemberRequest& request);
  io::Task<std::vector<admin::ProbedMember>> probe_now(model::Index group, model::Probe probe);

  // From the start to the ready line; then what goes on in the background is spawned.
  io::Task<> live();
  // All is open, or in the hands of the process to take over from: exit_done. Nothing is accepted yet.
  io::Task<int> start();
  // Configured, and prepared to take over where somebody waits for that.
  io::Task<int> get_ready();
  io::Task<int> take_over();
  void tell_ready();
  void tell_reloading();
  void reload(std::string_view why);
  io::Task<> watch();
  void expect_shared_descriptors();
  // What a storm of connections took is not kept for the next one.
  io::Task<> give_memory_back();
  template <class Condition>
  io::Task<bool> wait_until(Condition condition, Duration most);
  io::Task<bool> every_pool_healthy();
  io::Task<> first_probes();
  [[nodiscard]] std::vector<admin::ListenerAddresses> listeners() const;
  std::string report();

  void hear(int number);
  void on_signal(int number);
  io::Task<std::expected<admin::UpgradeView, std::string>> upgrade(std::string_view why);
  io::Task<> upgrade_by_signal();
  io::Task<> live_on();
  io::Task<> drain();
  io::Task<> end(int code);

  const cli::Options& options_;
  const std::shared_ptr<telemetry::LineSink> access_sink_;
  io::SystemClock clock_;
  io::SystemRandom random_;
  std::shared_ptr<telemetry::LineSink> event_sink_;
  telemetry::EventLog events_;
  io::EpollEngine engine_;
  std::atomic<int> stop_signals_ = 0;
  io::Signals signals_;
  io::AresResolver resolver_;
  std::shared_ptr<tls::Staples> staples_ = std::make_shared<tls::Staples>();
  control::HttpClient client_{engine_, resolver_};
  proxy::DataPlane data_plane_;
  control::Configuration configuration_;
  Upgrade upgrade_;
  std::unique_ptr<Takeover> predecessor_;  // null: nobody started this process to hand over
  const std::string note_;
  std::string token_note_;
  io::Background background_;
  admin::Observed observed_;
  admin::ArmApi arm_;
  admin::LiveFeed live_;
  admin::AdminPages pages_;
  AdminListeners admin_;
  io::TaskGroup tasks_;
  io::StopSource stop_;               // nothing new begins
  io::StopSource following_{&stop_};  // of files and pages: another process does that now
  io::StopSource ended_;              // what is under way ends too
  int exit_code_ = cli::exit_done;
  bool ready_ = false;
  bool reload_wanted_ = false;  // by a SIGHUP that came at the wrong time
  bool ending_ = false;
};

}  // namespace passerelle::program
