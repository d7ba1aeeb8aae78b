// The end of a tunnel, counted and told.
#include <algorithm>
#include <chrono>
#include <string>

#include "base/text.h"
#include "proxy/tunnel.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

// The code of the Close that came first; 0 where none did.
std::uint16_t Tunnel::close_code() const {
  const bool by_client = end_ == TunnelEnd::client_closed || !from(TunnelSide::backend).frames.close_seen();
  return from(by_client ? TunnelSide::client : TunnelSide::backend).frames.close_code();
}

void Tunnel::count_end() {
  worker_.tunnel_frames.ends[static_cast<std::size_t>(end_)].add();
  if (telemetry::RouteTunnels* route = route_counters())
    route->closed[telemetry::CloseCodes::slot(close_code())].add();
}

telemetry::TunnelClose Tunnel::close_facts() const {
  telemetry::TunnelClose out;
  out.cause = to_string(end_);
  out.seconds = std::chrono::duration<double>(worker_.engine.now() - opened_).count();
  switch (end_) {
    case TunnelEnd::client_closed:
    case TunnelEnd::client_ended:
    case TunnelEnd::client_reset: out.side = "client"; break;
    case TunnelEnd::backend_closed:
    case TunnelEnd::backend_ended:
    case TunnelEnd::backend_reset: out.side = "backend"; break;
    default: break;
  }
  if (end_ == TunnelEnd::client_closed || end_ == TunnelEnd::backend_closed) {
    const auto& frames =
        from(end_ == TunnelEnd::client_closed ? TunnelSide::client : TunnelSide::backend).frames;
    out.code = frames.close_code();
    out.reason = frames.close_reason();
  } else if (leaving_) {
    out.code = leaving_->farewell.code;
    out.reason = leaving_->farewell.reason;
  }
  return out;
}

void Tunnel::remember_end() {
  const RouteNames& names = *tag_.names;
  const telemetry::TunnelClose close = close_facts();
  telemetry::EndedTunnel& place = worker_.ended_tunnels.next();
  place.ended = worker_.engine.wall();
  place.id.clear();
  append_hex(place.id, {tag_.trace_id.data(), tag_.trace_id.size()});
  place.listener = names.listener;
  place.rule = names.rule;
  place.pool = names.pool;
  place.settings = names.settings;
  place.client = Endpoint{tag_.client_ip, tag_.client_port, {}}.to_string();
  place.member = tag_.seat.member()->address;
  place.cause = close.cause;
  place.side = close.side;
  place.code = close.code;
  place.reason = close.reason;
  place.seconds = close.seconds;
  for (const TunnelSide side : {TunnelSide::client, TunnelSide::backend}) {
    place.messages[at(side)] = from(side).messages;
    place.bytes[at(side)] = from(side).bytes;
  }
}

void Tunnel::log_close() {
  if (!worker_.access_log.on()) return;
  const RouteNames& names = *tag_.names;
  std::string trace;
  append_hex(trace, {tag_.trace_id.data(), tag_.trace_id.size()});
  const std::string ip = tag_.client_ip.to_string();
  telemetry::TunnelClose close = close_facts();
  telemetry::AccessRecord record;
  record.time = worker_.engine.wall();
  record.resource_id = names.resource_id;
  record.listener = names.listener;
  record.rule = names.rule;
  record.pool = names.pool;
  record.settings = names.settings;
  record.client_ip = ip;
  record.client_port = tag_.client_port;
  record.status = 101;
  record.received_bytes = from(TunnelSide::client).bytes;
  record.sent_bytes = from(TunnelSide::backend).bytes;
  record.taken_seconds = close.seconds;
  record.transaction_id = trace;
  record.server_routed = tag_.seat.member()->address;
  const auto fill = [](telemetry::TunnelClose::Direction& out, const TunnelDirection& direction) {
    out.messages = direction.messages;
    out.bytes = direction.bytes;
    out.opaque = direction.frames.opaque();
    const auto remembered =
        std::min<std::uint32_t>(direction.frames_seen, TunnelDirection::frames_remembered);
    for (std::uint32_t i = direction.frames_seen - remembered; i < direction.frames_seen; ++i) {
      const auto& frame = direction.last_frames[i % TunnelDirection::frames_remembered];
      const websocket::FrameHeader header{frame.bytes, frame.first};
      out.last_frames.push_back({header.opcode(), header.fin(), header.length});
    }
  };
  fill(close.from_client, from(TunnelSide::client));
  fill(close.from_backend, from(TunnelSide::backend));
  worker_.access_log.tunnel_closed(record, trace, close);
}

}  // namespace passerelle::proxy
