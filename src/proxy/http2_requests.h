// A client connection that speaks HTTP/2: each stream a request, and maybe a tunnel.
#pragma once

#include "proxy/connection.h"

namespace passerelle::proxy {

// Until the connection has ended and with it all it carried. `stream` and `facts` outlive it.
[[nodiscard]] io::Task<> serve_http2(Worker& worker, io::Stream& stream, const ConnectionFacts& facts);

}  // namespace passerelle::proxy
