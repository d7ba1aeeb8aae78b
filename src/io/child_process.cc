#include "io/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <cstring>

extern char** environ;

namespace passerelle::io {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::string& variable, int value) {
  std::vector<std::string> out{fmt::format("{}={}", variable, value)};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!text.starts_with(variable + "=")) out.emplace_back(text);
  }
  return out;
}

}  // namespace

std::expected<ChildProcess, std::string> ChildProcess::start(const std::string& program,
                                                             const std::vector<std::string>& arguments,
                                                             const std::string& variable, Descriptor socket) {
  auto words = arguments;
  auto environment = environment_with(variable, socket.get());
  // It begins with the signals blocked that are waited for here: one that comes early then waits for it.
  pid_t id = 0;
  const int failed = posix_spawn(&id, program.c_str(), nullptr, nullptr, pointers_to(words).data(),
                                 pointers_to(environment).data());
  if (failed != 0)
    return std::unexpected(fmt::format("{} cannot be started: {}", program, std::strerror(failed)));
  return ChildProcess(id);
}

std::optional<std::string> ChildProcess::ended() {
  int status = 0;
  const pid_t got = ::waitpid(id_, &status, WNOHANG);
  if (got == 0) return std::nullopt;
  if (got < 0) return "an unknown end";
  if (WIFSIGNALED(status)) return fmt::format("signal {}", WTERMSIG(status));
  return fmt::format("exit code {}", WEXITSTATUS(status));
}

void ChildProcess::kill() { ::kill(id_, SIGKILL); }

}  // namespace passerelle::io
