// One client connection: TLS if the listener says so, then HTTP/2, or request after request until it ends or
// becomes a tunnel.
#pragma once

#include <memory>
#include <string>

#include "base/client_certificate.h"
#include "base/endpoint.h"
#include "io/stream.h"
#include "io/task.h"
#include "proxy/snapshot.h"
#include "tls/tls_stream.h"

namespace passerelle::proxy {

class Worker;

// What is known of the client for as long as the connection lives.
struct ConnectionFacts {
  Endpoint peer;
  std::string peer_ip;  // as text, for headers and logs
  SocketId socket = 0;
  std::string frontend = {};  // its name: a reload may move it to another socket
  bool tls = false;
  bool http2 = false;
  tls::TlsFacts tls_facts = {};
  std::string ciphers_offered = {};  // by the client; only where a rewrite asks
  std::string authentication = {};  // what the handshake demanded of the client's certificate; empty: nothing
  std::unique_ptr<const ClientCertificate> certificate = {};  // where it was asked for
};

// The root of everything a client does. A tunnel it becomes goes on in a task of its own.
[[nodiscard]] io::Task<> run_connection(Worker& worker, SocketId socket, io::Accepted accepted);

// Ends our side and reads on for a while, so that what the client still sends does not make the kernel reset
// the connection and destroy our last answer (RFC 9112 section 9.6).
[[nodiscard]] io::Task<> close_gently(Worker& worker, io::Stream& stream);

}  // namespace passerelle::proxy
