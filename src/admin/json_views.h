// What /api/v1 shows of things, one by one.
#pragma once

#include <string>

#include "admin/tunnel_query.h"
#include "base/json_writer.h"
#include "base/problem.h"
#include "board/member.h"
#include "telemetry/ended_tunnels.h"

namespace passerelle::admin {

// null where none was made yet.
void write_report(JsonWriter& json, const board::ProbeReport& report);
// `leaving`: the configuration, or DNS, has taken it out.
void write_member(JsonWriter& json, const board::Member& member, bool leaving);
void write_tunnel(JsonWriter& json, const TunnelView& t);
void write_ended(JsonWriter& json, const telemetry::EndedTunnel& t);
// An array. What stands in the body, which problems call `body_name`, has no file.
[[nodiscard]] std::string json_of(Problems problems, const std::string& body_name);

}  // namespace passerelle::admin
