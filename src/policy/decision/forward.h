// The heads a gateway sends on: hop-by-hop fields taken out, its own put in (RFC 9110 section 7.6; the six
// fields of Azure's "modifications to the request").
#pragma once

#include <string>
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
  std::string_view host;            // Host for the backend
  bool websocket = false;           // ask for the upgrade
};

// The Host a member gets: hostName, or the member's own name, or the client's Host (behaviour sheet,
// section 8.1).
[[nodiscard]] std::string_view upstream_host(const model::BackendSettings& settings,
                                             std::string_view member_name,
                                             const http1::RequestTarget& target);
// The SNI: the same choice without its port; never an address (section 4).
[[nodiscard]] std::string_view server_name(const model::BackendSettings& settings,
                                           std::string_view member_name, const http1::RequestTarget& target);

void append_request(std::string& out, const MessageHead& head, const http1::RequestTarget& target,
                    const http1::Framing& framing, const ForwardFacts& facts);

// How the client's connection goes on after this response.
struct ResponseFacts {
  int client_minor_version = 1;
  bool keep_alive = true;
  std::string_view date;  // added where the backend sent none
};

// The framing the client gets: its own of the backend's where it can, chunked or until close where it must.
[[nodiscard]] http1::Framing::Kind client_framing(const http1::Framing& backend, int client_minor_version);

void append_response(std::string& out, const MessageHead& head, const http1::Framing& backend,
                     const ResponseFacts& facts);

// A 1xx on its way, and the 101 that opens a tunnel.
void append_interim(std::string& out, const MessageHead& head);
void append_switch(std::string& out, const MessageHead& head);

}  // namespace passerelle::policy
