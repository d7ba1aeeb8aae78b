// Where lines of a log go: a file, or syslog.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace passerelle::telemetry {

// A resource of one LineSink, on its thread.
class LineTarget {
 public:
  virtual ~LineTarget() = default;
  // Whole lines, each with its newline. May wait for a reader; what cannot be written is gone.
  virtual void write(std::string_view lines) = 0;
  // After rotation.
  virtual void reopen() {}
};

// A file, a pipe or a terminal.
class FileTarget final : public LineTarget {
 public:
  // With a path the descriptor is owned, and opened anew after rotation.
  FileTarget(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  FileTarget(const FileTarget&) = delete;
  FileTarget& operator=(const FileTarget&) = delete;
  ~FileTarget() override;
  void write(std::string_view lines) override;
  void reopen() override;

 private:
  int descriptor_;
  const std::string path_;
};

// "syslog" for this machine's daemon; or "syslog:" and an address with its port, or a UNIX socket's path.
[[nodiscard]] bool is_syslog(std::string_view to);
// A datagram a line, facility local0, severity info: to a daemon of this machine as it reads them on its
// socket, to another machine by RFC 5424 over UDP (RFC 5426). A daemon that is away costs lines, and is found
// again. The error is a sentence.
[[nodiscard]] std::expected<std::unique_ptr<LineTarget>, std::string> open_syslog(std::string_view to);

}  // namespace passerelle::telemetry
