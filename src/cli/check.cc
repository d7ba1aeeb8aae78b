#include <fmt/format.h>

#include <cstdio>

#include "arm/answer.h"
#include "cli/verbs.h"

namespace passerelle::cli {
int check(const Options& options) {
  control::FileSource source(options.files);
  const bool print = !options.print.empty();
  const arm::Loaded loaded = print ? source.load_and_print() : source.load();
  // The model goes to standard output, so that it can be read again; what there is to say goes beside it.
  if (print) {
    for (const Problem& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.to_string());
    if (loaded.gateway && options.print == "azure")
      fmt::print("{}", arm::as_azure_answers(loaded.printed, {.resource_id = loaded.gateway->resource_id,
                                                              .location = options.files.scope.location}));
    else if (loaded.gateway)
      fmt::print("{}", loaded.printed);
    return loaded.gateway ? exit_done : exit_configuration;
  }
  if (options.format == "json") {
    std::string out = "[";
    for (const Problem& problem : loaded.problems) {
      if (out.size() > 1) out += ",\n ";
      problem.append_json(out);
    }
    fmt::print("{}]\n", out);
  } else {
    std::size_t errors = 0;
    for (const Problem& problem : loaded.problems) {
      fmt::print("{}\n", problem.to_string());
      errors += problem.severity == Severity::error ? 1 : 0;
    }
    if (errors == 0 && loaded.gateway) {
      fmt::print(stderr, "passerelle: '{}' can run: {} listener{}, {} rule{}, {} warning{}\n",
                 loaded.gateway->name, loaded.gateway->listeners.size(),
                 loaded.gateway->listeners.size() == 1 ? "" : "s", loaded.gateway->rules.size(),
                 loaded.gateway->rules.size() == 1 ? "" : "s", loaded.problems.size(),
                 loaded.problems.size() == 1 ? "" : "s");
    } else {
      fmt::print(stderr, "passerelle: {} error{} to mend\n", errors, errors == 1 ? "" : "s");
    }
  }
  return loaded.gateway ? exit_done : exit_configuration;
}

}  // namespace passerelle::cli
