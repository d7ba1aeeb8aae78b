// The command line, parsed. The contract is docs/operating/command-line.md.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "control/file_source.h"

namespace passerelle::cli {

enum class Verb : std::uint8_t { run, init, check, explain, what_if, tunnels, upgrade, backend, version };

// A value.
struct Options {
  Verb verb = Verb::run;
  control::FileOptions files;
  // run
  unsigned workers = 1;
  std::string engine = "auto";
  std::string admin = "127.0.0.1:9700";
  std::string admin_tls = "off";
  std::string admin_cert, admin_key;  // PEM files; empty: a certificate is made
  std::string access_log = "-";
  double access_log_share = 1;
  std::string log_level = "info";
  std::string log_format = "text";
  std::string state;
  std::string user;  // to run as, where root starts it
  bool watch = false;
  unsigned drain_seconds = 30;
  unsigned wait_healthy_seconds = 0;
  // check
  std::string format = "text";
  std::string print;
  // explain
  std::string url;
  std::string method = "GET";
  std::vector<std::string> headers;       // "Name: value"
  std::string from = "127.0.0.1";         // the client's address
  std::vector<std::string> expectations;  // KEY=VALUE
  // tunnels
  std::vector<std::string> filters;  // NAME=VALUE
  std::string sort = "-seconds";
  unsigned limit = 0;  // 0: as many as fit
  bool once = false;
  // backend
  std::string listen = "127.0.0.1:9001";
  std::string name;
};

inline constexpr int exit_done = 0;
inline constexpr int exit_configuration = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_cannot_start = 3;

// The options, or the exit code after help or a usage error was printed.
[[nodiscard]] std::expected<Options, int> parse_options(int count, char** arguments, unsigned cores);

}  // namespace passerelle::cli
