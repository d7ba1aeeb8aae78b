// Another program, started with one of our sockets.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "io/descriptor.h"

namespace passerelle::io {

// A resource. A child outlives it, unless it is killed; what it leaves behind is then the system's to
// collect.
class ChildProcess {
 public:
  // Inherits the environment (with `variable` set to the number its socket has there), the working folder,
  // standard input, output and error. The error is a sentence.
  [[nodiscard]] static std::expected<ChildProcess, std::string> start(
      const std::string& program, const std::vector<std::string>& arguments, const std::string& variable,
      Descriptor socket);

  [[nodiscard]] pid_t id() const { return id_; }
  // How it ended, in words: "exit code 1", "signal 9"; nothing while it runs.
  [[nodiscard]] std::optional<std::string> ended();
  void kill();

 private:
  explicit ChildProcess(pid_t id) : id_(id) {}
  pid_t id_;
};

}  // namespace passerelle::io
