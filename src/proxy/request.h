// A request as it came, on whichever channel: what HTTP/1 and HTTP/2 connections have in common.
#pragma once

#include <optional>

#include "http/message_source.h"
#include "proxy/exchange.h"

namespace passerelle::proxy {

// The frontend this socket belongs to by the newest configuration; nothing if it is gone.
[[nodiscard]] std::optional<model::Index> frontend_of(const Snapshot& snapshot, SocketId socket);

// Serves one by the newest configuration; `outcome` is what became of its head.
[[nodiscard]] io::Task<ExchangeOutcome> serve_request(Worker& worker, ClientSide& client,
                                                      const MessageHead& head,
                                                      const http::HeadOutcome& outcome);

// An answer without an exchange, after which the connection closes.
[[nodiscard]] io::Task<Result<>> answer_alone(Worker& worker, http::Channel& channel, int status,
                                              bool with_body = true);

}  // namespace passerelle::proxy
