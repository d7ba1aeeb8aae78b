// A new binary without a lost tunnel: starting the one that is now installed, and handing over to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/child_process.h"
#include "io/descriptor_channel.h"
#include "proxy/hand_over.h"
#include "telemetry/event_log.h"

namespace passerelle::program {

// How this process was started. Taken at the start: the file may be replaced later, which is what an upgrade
// is for.
struct CommandLine {
  std::string program;  // its file
  std::vector<std::string> words;

  [[nodiscard]] static CommandLine of(int count, char** arguments);
};

// The channel to the process that started this one in order to hand over to it; none where nobody did.
[[nodiscard]] io::Descriptor take_predecessor_socket();

// A resource on the control plane's engine: this process's one attempt, or several that failed, to hand over.
class Upgrade {
 public:
  Upgrade(io::SocketEngine& engine, proxy::DataPlane& data_plane, telemetry::EventLog& events,
          CommandLine command_line, Duration prepare_timeout)
      : engine_(engine),
        data_plane_(data_plane),
        events_(events),
        command_line_(std::move(command_line)),
        prepare_timeout_(prepare_timeout) {}

  struct Report {
    pid_t successor = 0;
    std::size_t moved = 0, stay = 0;  // tunnels
    Duration stood_still{};
  };
  // Starts the program and hands over. The error is a sentence; nothing is lost then, and it can be tried
  // again.
  [[nodiscard]] io::Task<std::expected<Report, std::string>> run(std::vector<proxy::SharedSocket> sockets,
                                                                 io::StopSource& stop);
  [[nodiscard]] bool under_way() const { return under_way_; }
  [[nodiscard]] bool done() const { return done_; }
  // What this process does afterwards: carries what could not be moved until it has ended, or until its
  // successor asks for the end.
  [[nodiscard]] io::Task<> live_on(io::StopSource& stop);

 private:
  io::Task<std::expected<Report, std::string>> hand_over(std::vector<proxy::SharedSocket> sockets,
                                                         io::StopSource& stop);
  io::Task<std::string> end_child(std::string why, const io::StopSource& stop);

  io::SocketEngine& engine_;
  proxy::DataPlane& data_plane_;
  telemetry::EventLog& events_;
  const CommandLine command_line_;
  const Duration prepare_timeout_;
  std::optional<io::ChildProcess> child_;
  std::unique_ptr<io::DescriptorChannel> channel_;
  std::unique_ptr<proxy::HandOver> hand_over_;
  bool under_way_ = false;
  bool done_ = false;
};

// A resource on the control plane's engine, of a process that was started to take over.
class Takeover {
 public:
  Takeover(io::SocketEngine& engine, proxy::DataPlane& data_plane, telemetry::EventLog& events,
           io::Descriptor socket)
      : engine_(engine),
        data_plane_(data_plane),
        events_(events),
        channel_(engine, std::move(socket)),
        take_over_(data_plane, channel_) {}

  // The sockets of the old process that are not the data plane's. The error is a sentence.
  [[nodiscard]] io::Task<std::expected<std::vector<proxy::InheritedSocket>, std::string>> greet(
      io::StopSource& stop);
  // Until the go; how many tunnels came with it.
  [[nodiscard]] io::Task<std::expected<std::size_t, std::string>> take_tunnels(io::StopSource& stop);
  // From then on: what becomes a tunnel there later, until the old process has ended.
  [[nodiscard]] io::Task<> follow(io::StopSource& stop);
  [[nodiscard]] io::Task<> tell_to_leave(const proxy::HandOver::Leave& leave);

 private:
  io::SocketEngine& engine_;
  proxy::DataPlane& data_plane_;
  telemetry::EventLog& events_;
  io::DescriptorChannel channel_;
  proxy::TakeOver take_over_;
};

}  // namespace passerelle::program
