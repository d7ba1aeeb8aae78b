// systemd, or whatever speaks its protocols: sd_notify(3) and sd_listen_fds(3). Nothing where there is none.
#pragma once

#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "io/descriptor.h"

namespace passerelle::io {

// "READY=1", "STOPPING=1"…: one assignment a line.
void notify_service_manager(std::string_view state);

struct ListeningSocket {
  Endpoint address;
  Descriptor descriptor;
};
// The sockets that were opened for this process before it began. Ours from then on: asked for once.
[[nodiscard]] std::vector<ListeningSocket> take_service_sockets();

}  // namespace passerelle::io
