#include "cli/admin_client.h"

#include <fmt/format.h>

#include <cstdio>

#include "control/state_folder.h"
#include "io/task_group.h"

namespace passerelle::cli {
namespace {

constexpr std::size_t answer_bytes_max = 64 * mebibyte;
// An upgrade answers when it is done.
constexpr std::chrono::minutes answer_timeout{10};

io::Task<> ask_and_stop(control::HttpClient& client, control::HttpQuestion question, io::Engine& engine,
                        std::expected<control::HttpAnswer, std::string>& answer) {
  answer = co_await client.answer(std::move(question), {engine.now() + answer_timeout, nullptr});
  engine.stop();
}

io::Task<> wait_and_stop(io::Engine& engine, Duration duration) {
  (void)co_await engine.sleep({engine.now() + duration, nullptr});
  engine.stop();
}

}  // namespace

void AdminClient::wait(Duration duration) {
  io::TaskGroup group(engine_);
  group.spawn(wait_and_stop(engine_, duration));
  engine_.run();
}

std::expected<std::string, int> AdminClient::ask(const std::string& path, std::string body, bool post) {
  const control::StateFolder state(options_.state);
  std::expected<control::HttpAnswer, std::string> answer = std::unexpected(std::string());
  io::TaskGroup group(engine_);
  group.spawn(ask_and_stop(client_,
                           {.url = fmt::format("http://{}{}", options_.admin, path),
                            .accept = "application/json, text/plain",
                            .answer_bytes_max = answer_bytes_max,
                            .body = std::move(body),
                            .content_type = "application/json",
                            .post = post,
                            .bearer = post ? state.known_secret("token") : std::string()},
                           engine_, answer));
  if (group.running() > 0) engine_.run();
  if (!answer) {
    fmt::print(stderr,
               "passerelle: error: NoGateway: no gateway answers at {} ({}); say where its admin listener is "
               "with --admin "
               "ADDRESS:PORT\n",
               options_.admin, answer.error());
    return std::unexpected(exit_cannot_start);
  }
  if (answer->status == 200) return std::move(answer->body);
  while (answer->body.ends_with('\n')) answer->body.pop_back();
  if (answer->status == 401)
    fmt::print(stderr,
               "passerelle: error: WrongToken: the gateway at {} has another token than {}/token; name its "
               "state folder "
               "with --state DIR, as the user it runs as\n",
               options_.admin, state.path());
  else
    fmt::print(stderr, "passerelle: error: Refused: {}\n", answer->body);
  return std::unexpected(answer->status == 400 ? exit_usage : exit_configuration);
}

}  // namespace passerelle::cli
