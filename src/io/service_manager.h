// Words to systemd: sd_notify(3), without its library.
#pragma once

#include <string_view>

namespace passerelle::io {

// Sends `state` ("READY=1") to NOTIFY_SOCKET; does nothing where there is none.
void notify_service_manager(std::string_view state);

}  // namespace passerelle::io
