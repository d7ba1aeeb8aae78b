// Which engine carries the traffic.
#pragma once

#include <memory>
#include <string_view>

#include "io/socket_engine.h"

namespace passerelle::io {

enum class EngineKind : std::uint8_t { automatic, epoll, io_uring };

// By its name on the command line; automatic for any other.
[[nodiscard]] EngineKind engine_kind(std::string_view name);

// The one that was asked for; automatic is io_uring, which costs less wherever they differ
// (docs/performance/). Where the kernel refuses it, epoll.
[[nodiscard]] std::unique_ptr<SocketEngine> make_engine(EngineKind kind, Clock& clock, Random& random);

}  // namespace passerelle::io
