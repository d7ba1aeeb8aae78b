// The heads a gateway sends on: hop-by-hop fields taken out, its own put in (RFC 9110 section 7.6; the six
// fields of Azure's "modifications to the request").
#pragma once

#include <string_view>

#include "base/endpoint.h"
#include "model/gateway.h"
#include "protocol/http1/framing.h"
#include "protocol/http1/request_target.h"
#include "protocol/message_head.h"

namespace passerelle::policy {

// What the gateway knows of the client's side. Views outlive the call.
struct ForwardFacts {
  std::string_view client_ip;
  std::uint16_t client_port = 0;
  bool tls = false;
  std::uint16_t listener_port = 0;  // the template's number
  std::string_view trace_id;        // 32 hex digits
  bool websocket = false;           // ask for the upgrade
};

// With the client's Host, as the first field.
void make_request(MessageHead& out, const MessageHead& head, const http1::RequestTarget& target,
                  const http1::Framing& framing, const ForwardFacts& facts);

// How the client's connection goes on after this response.
struct ResponseFacts {
  int client_minor_version = 1;
  bool keep_alive = true;
  std::string_view date;  // added where the backend sent none
};

// The framing the client gets: its own of the backend's where it can, chunked or until close where it must.
[[nodiscard]] http1::Framing::Kind client_framing(const http1::Framing& backend, int client_minor_version);

void make_response(MessageHead& out, const MessageHead& head, const http1::Framing& backend,
                   const ResponseFacts& facts);

// A 1xx on its way, and the 101 that opens a tunnel.
void make_interim(MessageHead& out, const MessageHead& head);
void make_switch(MessageHead& out, const MessageHead& head);

}  // namespace passerelle::policy
