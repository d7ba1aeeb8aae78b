// What the command line asks the load for.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct Plan {
  std::string mode = "echo";  // echo, one-way, handshake, idle, http, churn
  std::string address;
  sockaddr_in to{};
  std::string host = "localhost";
  std::string path = "/echo";
  unsigned connections = 1;
  unsigned talkers = 0;  // of them; 0: all
  unsigned streams = 1;  // WebSockets an HTTP/2 connection
  std::size_t payload_bytes = 64;
  unsigned depth = 1;    // messages under way a connection
  unsigned headers = 0;  // besides the ordinary ones
  double seconds = 1;
  double warm_up_seconds = 0.3;
  bool tls = false;
  bool http2 = false;
  std::vector<int> watched;  // processes whose time on the processor is told
};

constexpr unsigned opening_max = 64;  // connections that are being opened at one time

}  // namespace bench
