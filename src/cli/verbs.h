// The verbs beside `run`; each returns the exit code.
#pragma once

#include "cli/options.h"

namespace passerelle::cli {

// `check`: problems to standard output, one a line or as a JSON array.
[[nodiscard]] int check(const Options& options);

// `explain`: what the gateway would do with a request, and why; exit 1 where it is not as expected.
[[nodiscard]] int explain(const Options& options);

// `init`: the local file, written where `run` will look for it; never over an existing one.
[[nodiscard]] int init(const Options& options);

// `tunnels`: live tunnels of a running gateway, in the terminal.
[[nodiscard]] int tunnels(const Options& options);

// `what-if`: what applying this would do to the running gateway.
[[nodiscard]] int what_if(const Options& options);

// `upgrade`: hand over to the binary now installed.
[[nodiscard]] int upgrade(const Options& options);

}  // namespace passerelle::cli
