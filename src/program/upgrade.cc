#include "program/upgrade.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "base/text.h"
#include "program/admin_listeners.h"

namespace passerelle::program {
namespace {

constexpr const char* socket_variable = "PASSERELLE_PREDECESSOR";
// For each answer of the other process, once both carry nothing but the hand-over.
constexpr std::chrono::seconds answer_timeout{10};
// What became a tunnel in the old process after the go moves this often.
constexpr std::chrono::seconds move_again_interval{1};
constexpr std::chrono::seconds child_end_timeout{5};

// Empty: there is none.
std::string file_called(const std::string& word) {
  const auto absolute = [](const std::filesystem::path& path) {
    std::error_code error;
    auto out = std::filesystem::absolute(path, error);
    return !error && ::access(out.c_str(), X_OK) == 0 ? out.string() : std::string();
  };
  if (word.empty() || word.find('/') != std::string::npos) return word.empty() ? word : absolute(word);
  const char* variable = std::getenv("PATH");
  std::string_view folders = variable != nullptr ? variable : "";
  while (!folders.empty()) {
    const auto [folder, rest] = split_once(folders, ':');
    folders = rest;
    if (std::string found = absolute(std::filesystem::path(folder) / word); !found.empty()) return found;
  }
  return {};
}

}  // namespace

CommandLine CommandLine::of(int count, char** arguments) {
  CommandLine out{{}, {arguments, arguments + count}};
  // As it was called, so that a link which leads to another version tomorrow is followed anew.
  out.program = file_called(out.words.empty() ? std::string() : out.words.front());
  if (!out.program.empty()) return out;
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  if (length > 0) out.program.assign(path.data(), static_cast<std::size_t>(length));
  // Replaced already: the name is what counts.
  constexpr std::string_view deleted = " (deleted)";
  if (out.program.ends_with(deleted)) out.program.resize(out.program.size() - deleted.size());
  return out;
}

io::Descriptor take_predecessor_socket() {
  const char* number = std::getenv(socket_variable);
  io::Descriptor out(number != nullptr ? std::atoi(number) : -1);
  ::unsetenv(socket_variable);
  return out;
}

io::Task<std::expected<Upgrade::Report, std::string>> Upgrade::run(std::vector<proxy::SharedSocket> sockets,
                                                                   io::StopSource& stop) {
  under_way_ = true;
  auto out = co_await hand_over(std::move(sockets), stop);
  if (!out) {
    const std::string why = co_await end_child(out.error(), stop);
    under_way_ = false;
    events_.error("upgrade", "{}; this process {}", why, stop.requested() ? "ends" : "goes on as before");
    co_return std::unexpected(why);
  }
  under_way_ = false;
  done_ = true;
  events_.info("upgrade",
               "process {} carries the traffic now: {} tunnels have moved there, {} stay here until they "
               "end; they stood "
               "still for {} ms",
               out->successor, out->moved, out->stay,
               std::chrono::duration_cast<std::chrono::milliseconds>(out->stood_still).count());
  co_return out;
}

io::Task<std::expected<Upgrade::Report, std::string>> Upgrade::hand_over(
    std::vector<proxy::SharedSocket> sockets, io::StopSource& stop) {
  auto ends = io::DescriptorChannel::make_pair();
  if (!ends)
    co_return std::unexpected(fmt::format("no channel to a new process: {}", to_string(ends.error().kind)));
  // The child holds all of our descriptors for the moment between fork and exec, and many of them later.
  engine_.expect_shared_descriptors();
  data_plane_.expect_shared_descriptors();
  auto child = io::ChildProcess::start(command_line_.program, command_line_.words, socket_variable,
                                       std::move(ends->second));
  if (!child) co_return std::unexpected(child.error());
  child_ = *child;
  events_.info("upgrade", "process {} is started from {}", child_->id(), command_line_.program);
  channel_ = std::make_unique<io::DescriptorChannel>(engine_, std::move(ends->first));
  hand_over_ = std::make_unique<proxy::HandOver>(data_plane_, *channel_);
  const auto prepared = co_await hand_over_->prepare(std::move(sockets), engine_.in(prepare_timeout_, stop));
  if (!prepared) co_return std::unexpected(prepared.error());
  const auto moved = co_await hand_over_->move_tunnels(answer_timeout, stop);
  if (!moved) co_return std::unexpected(moved.error());
  co_return Report{child_->id(), moved->tunnels, moved->stay, moved->stood_still};
}

// `why` with how the child ended.
io::Task<std::string> Upgrade::end_child(std::string why, const io::StopSource& stop) {
  hand_over_.reset();
  channel_.reset();
  if (!child_) co_return why;
  std::optional<std::string> ended;
  const TimePoint deadline = engine_.now() + child_end_timeout;
  while (!(ended = child_->ended()) && engine_.now() < deadline && !stop.requested())
    (void)co_await engine_.sleep({engine_.now() + std::chrono::milliseconds(10), nullptr});
  if (!ended) child_->kill();
  while (!ended && !(ended = child_->ended()))
    (void)co_await engine_.sleep({engine_.now() + std::chrono::milliseconds(10), nullptr});
  child_.reset();
  co_return fmt::format("{} ({})", why, *ended);
}

io::Task<> Upgrade::live_on(io::StopSource& stop) {
  data_plane_.retire();
  while (!stop.requested() && data_plane_.busy()) {
    if (child_) {
      if (const auto ended = child_->ended()) {
        events_.warning("upgrade", "process {} is gone ({}); what is here goes on", child_->id(), *ended);
        child_.reset();
      }
    }
    if (!hand_over_) {
      (void)co_await engine_.sleep(engine_.in(move_again_interval, stop));
      continue;
    }
    const auto leave = co_await hand_over_->wait_for_leave(engine_.in(move_again_interval, stop));
    if (leave) {
      events_.info("upgrade", "what is still open here ends, over {} s", leave->over.count());
      (void)co_await data_plane_.drain(engine_.in(leave->over, stop), proxy::TunnelEnd::superseded,
                                       {.code = leave->code, .reason = "the gateway is replaced"});
      co_return;
    }
    bool listens = leave.error().kind == ErrorKind::timed_out;
    if (listens) listens = (co_await hand_over_->move_tunnels(answer_timeout, stop)).has_value();
    if (!listens) {
      // With the channel the new process loses what it was sent and was not told to carry.
      hand_over_.reset();
      channel_.reset();
    }
  }
}

io::Task<std::expected<std::vector<proxy::InheritedSocket>, std::string>> Takeover::greet(
    io::StopSource& stop) {
  auto inherited = co_await take_over_.greet(engine_.in(answer_timeout, stop));
  if (!inherited)
    co_return std::unexpected("the process to take over from says nothing that is understood here");
  std::vector<proxy::InheritedSocket> others, own;
  for (auto& socket : inherited->sockets)
    (AdminListeners::has(socket.frontend) ? others : own).push_back(std::move(socket));
  data_plane_.inherit(std::move(own), inherited->knowledge);
  co_return others;
}

io::Task<std::expected<std::size_t, std::string>> Takeover::take_tunnels(io::StopSource& stop) {
  const auto taken = co_await take_over_.take_tunnels({never, &stop});
  if (!taken)
    co_return std::unexpected(
        fmt::format("the process to take over from did not say go ({})", to_string(taken.error().kind)));
  co_return *taken;
}

io::Task<> Takeover::follow(io::StopSource& stop) {
  for (;;) {
    const auto taken = co_await take_over_.take_more({never, &stop});
    if (!taken) break;
    if (*taken > 0) events_.info("upgrade", "{} more tunnels have come", *taken);
  }
}

io::Task<> Takeover::tell_to_leave(const proxy::HandOver::Leave& leave) {
  // Should it be gone already, there is nobody to tell.
  (void)co_await take_over_.tell_to_leave(leave, {engine_.now() + answer_timeout, nullptr});
}

}  // namespace passerelle::program
