#include "admin/json_views.h"

#include <utility>

#include "telemetry/event_log.h"

namespace passerelle::admin {

void write_report(JsonWriter& json, const board::ProbeReport& report) {
  if (report.when == WallTime{}) {
    json.null();
    return;
  }
  std::string time;
  telemetry::append_time(time, report.when);
  json.begin_object().member("time", time).member("success", report.success).member("sent", report.sent);
  json.member("expected", report.expected).member("received", report.received);
  json.key("hint");
  if (report.hint.empty())
    json.null();
  else
    json.string(report.hint);
  json.end_object();
}

void write_member(JsonWriter& json, const board::Member& member, bool leaving) {
  const auto report = member.report();
  json.begin_object()
      .member("name", member.name)
      .member("address", member.address)
      .member("health", to_string(leaving ? model::Health::draining : member.standing()));
  json.member("leaving", leaving)
      .member("requests", member.requests.load())
      .member("tunnels", member.tunnels.load())
      .key("lastProbe");
  write_report(json, report);
  json.end_object();
}

void write_tunnel(JsonWriter& json, const TunnelView& t) {
  json.begin_object()
      .member("id", t.id)
      .member("listener", t.listener)
      .member("rule", t.rule)
      .member("pool", t.pool);
  json.member("backendSettings", t.settings).member("client", t.client).member("member", t.member);
  json.key("seconds").decimal(t.seconds, 3);
  json.member("messagesFromClient", t.messages_from_client)
      .member("messagesFromBackend", t.messages_from_backend);
  json.member("bytesFromClient", t.bytes_from_client).member("bytesFromBackend", t.bytes_from_backend);
  for (const auto& [name, seconds] : {std::pair("roundTripClient", t.round_trip_client),
                                      std::pair("roundTripBackend", t.round_trip_backend)}) {
    json.key(name);
    if (seconds > 0)
      json.decimal(seconds, 6);
    else
      json.null();
  }
  json.end_object();
}

void write_ended(JsonWriter& json, const telemetry::EndedTunnel& t) {
  std::string time;
  telemetry::append_time(time, t.ended);
  json.begin_object().member("ended", time).member("id", t.id).member("listener", t.listener);
  json.member("rule", t.rule).member("pool", t.pool).member("backendSettings", t.settings);
  json.member("client", t.client).member("member", t.member).member("cause", t.cause);
  json.key("code");
  if (t.code != 0)
    json.number(t.code);
  else
    json.null();
  json.member("reason", t.reason).key("seconds").decimal(t.seconds, 3);
  json.member("messagesFromClient", t.messages[0]).member("messagesFromBackend", t.messages[1]);
  json.member("bytesFromClient", t.bytes[0]).member("bytesFromBackend", t.bytes[1]).end_object();
}

std::string json_of(Problems problems, const std::string& body_name) {
  std::string out = "[";
  for (Problem& problem : problems) {
    if (out.size() > 1) out += ',';
    if (problem.where.file == body_name) problem.where.file.clear();
    problem.append_json(out);
  }
  return out + "]";
}

}  // namespace passerelle::admin
