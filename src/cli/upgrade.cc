#include <fmt/format.h>

#include <cstdio>

#include "arm/json_reader.h"
#include "cli/admin_client.h"
#include "cli/verbs.h"

namespace passerelle::cli {

int upgrade(const Options& options) {
  AdminClient gateway(options);
  const auto answer = gateway.post("/api/v1/upgrade");
  if (!answer) return answer.error();
  arm::ProblemList problems({"answer"});
  const auto report = arm::read_json(*answer, 0, problems);
  const auto number = [&](std::string_view key) {
    const auto* value = report ? report->find(key) : nullptr;
    return value != nullptr ? value->text : std::string("?");
  };
  fmt::print("process {} carries the traffic now: {} tunnels moved there", number("process"),
             number("tunnelsMoved"));
  if (number("tunnelsStaying") == "0")
    fmt::print("\n");
  else
    fmt::print("; {} (over TLS or HTTP/2) stay with process {} until they end, or until the next upgrade\n",
               number("tunnelsStaying"), number("processBefore"));
  return exit_done;
}

}  // namespace passerelle::cli
