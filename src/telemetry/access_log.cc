#include "telemetry/access_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/json_writer.h"
#include "telemetry/event_log.h"

namespace passerelle::telemetry {
namespace {

constexpr std::string_view exchange_category = "ApplicationGatewayAccessLog";
constexpr std::string_view tunnel_category = "PasserelleTunnelLog";

void write_outer(JsonWriter& json, const AccessRecord& record, std::string_view category,
                 std::string_view time) {
  json.begin_object()
      .member("timeStamp", time)
      .member("resourceId", record.resource_id)
      .member("listenerName", record.listener);
  json.member("ruleName", record.rule)
      .member("backendPoolName", record.pool)
      .member("backendSettingName", record.settings);
  json.member("operationName", "ApplicationGatewayAccess")
      .member("category", category)
      .key("properties")
      .begin_object();
}

void write_all(JsonWriter& json, const AccessRecord& r) {
  json.member("instanceId", "passerelle_0")
      .member("clientIP", r.client_ip)
      .member("clientPort", r.client_port);
  json.member("httpMethod", r.method)
      .member("originalRequestUriWithArgs", r.original_uri)
      .member("requestUri", r.request_uri);
  json.member("requestQuery", r.query)
      .member("userAgent", r.user_agent)
      .key("httpStatus")
      .number(static_cast<std::uint64_t>(r.status));
  json.member("httpVersion", r.http_version)
      .member("receivedBytes", r.received_bytes)
      .member("sentBytes", r.sent_bytes);
  json.key("clientResponseTime")
      .decimal(r.client_response_seconds, 3)
      .key("timeTaken")
      .decimal(r.taken_seconds, 3);
  json.member("WAFEvaluationTime", "").member("WAFMode", "").member("transactionId", r.transaction_id);
  if (!r.trace_id.empty()) json.member("traceId", r.trace_id);
  json.member("sslEnabled", r.tls ? "on" : "off")
      .member("sslCipher", r.tls_cipher)
      .member("sslProtocol", r.tls_protocol);
  json.member("sslClientVerify", r.client_verify)
      .member("sslClientCertificateFingerprint", r.client_fingerprint)
      .member("sslClientCertificateIssuerName", r.client_issuer);
  json.member("serverRouted", r.server_routed)
      .member("serverStatus", r.server_status)
      .member("serverResponseLatency", r.server_latency);
  json.member("upstreamSourcePort", "").member("originalHost", r.original_host).member("host", r.host);
  json.member("error_info", r.error_info).member("contentType", r.content_type).end_object();
}

// Headers only, "text", "ping 4": what a socket carried is nobody's business.
void write_last_frames(JsonWriter& json, std::string_view key, const TunnelClose::Direction& direction) {
  static constexpr std::array<std::string_view, 11> names = {
      "continuation", "text", "binary", "", "", "", "", "", "close", "ping", "pong"};
  json.key(key).begin_array();
  for (const auto& frame : direction.last_frames)
    json.string(fmt::format("{}{} {}", names[std::min<std::size_t>(frame.opcode, names.size() - 1)],
                            frame.fin ? "" : "...", frame.bytes));
  if (direction.opaque) json.string("opaque");
  json.end_array();
}

}  // namespace

bool AccessLog::wants(int status, std::uint64_t id) const {
  if (!on()) return false;
  constexpr int failed = 500;
  return settings_.share >= 1 || status >= failed ||
         static_cast<double>(id >> 32U) < settings_.share * 4294967296.0;
}

void AccessLog::exchange(const AccessRecord& r) {
  if (!on()) return;
  line_.clear();
  if (settings_.for_people) {
    append_time(line_, r.time);
    fmt::format_to(std::back_inserter(line_), " {} {} ", r.listener, r.client_ip);
    append_json_string(line_, fmt::format("{} {}", r.method, r.original_uri));
    fmt::format_to(std::back_inserter(line_), " {} {} B {:.3f} s -> {}\n", r.status, r.sent_bytes,
                   r.taken_seconds, r.server_routed.empty() ? "-" : r.server_routed);
    return settings_.sink->write(line_);
  }
  time_.clear();
  append_time(time_, r.time);
  JsonWriter json(line_);
  write_outer(json, r, exchange_category, time_);
  write_all(json, r);
  json.end_object();
  line_ += '\n';
  settings_.sink->write(line_);
}

void AccessLog::tunnel_opened(const AccessRecord& r, std::string_view tunnel_id) {
  if (!on()) return;
  line_.clear();
  time_.clear();
  append_time(time_, r.time);
  if (settings_.for_people) {
    fmt::format_to(std::back_inserter(line_), "{} {} {} tunnel {} open ", time_, r.listener, r.client_ip,
                   tunnel_id.substr(0, 8));
    append_json_string(line_, r.original_uri);
    fmt::format_to(std::back_inserter(line_), " -> {}\n", r.server_routed);
    return settings_.sink->write(line_);
  }
  JsonWriter json(line_);
  write_outer(json, r, tunnel_category, time_);
  write_all(json, r);
  json.key("tunnel").begin_object().member("id", tunnel_id).member("event", "open").end_object().end_object();
  line_ += '\n';
  settings_.sink->write(line_);
}

void AccessLog::tunnel_closed(const AccessRecord& r, std::string_view tunnel_id, const TunnelClose& close) {
  if (!on()) return;
  line_.clear();
  time_.clear();
  append_time(time_, r.time);
  if (settings_.for_people) {
    fmt::format_to(std::back_inserter(line_),
                   "{} {} {} tunnel {} closed: {}{} after {:.3f} s, {}+{} messages\n", time_, r.listener,
                   r.client_ip, tunnel_id.substr(0, 8), close.cause,
                   close.code != 0 ? fmt::format(" {}", close.code) : "", close.seconds,
                   close.from_client.messages, close.from_backend.messages);
    return settings_.sink->write(line_);
  }
  JsonWriter json(line_);
  write_outer(json, r, exchange_category, time_);
  json.member("transactionId", r.transaction_id)
      .member("clientIP", r.client_ip)
      .member("clientPort", r.client_port);
  json.key("httpStatus")
      .number(static_cast<std::uint64_t>(r.status))
      .key("timeTaken")
      .decimal(r.taken_seconds, 3);
  json.member("receivedBytes", r.received_bytes)
      .member("sentBytes", r.sent_bytes)
      .member("serverRouted", r.server_routed)
      .end_object();
  json.key("tunnel")
      .begin_object()
      .member("id", tunnel_id)
      .member("event", "close")
      .member("cause", close.cause)
      .key("closeCode");
  if (close.code != 0)
    json.number(close.code);
  else
    json.null();
  json.key("closeReason");
  if (close.code != 0)
    json.string(close.reason);
  else
    json.null();
  json.key("closeSide");
  if (close.side.empty())
    json.null();
  else
    json.string(close.side);
  json.member("messagesFromClient", close.from_client.messages)
      .member("messagesFromBackend", close.from_backend.messages)
      .member("bytesFromClient", close.from_client.bytes)
      .member("bytesFromBackend", close.from_backend.bytes);
  write_last_frames(json, "lastFramesFromClient", close.from_client);
  write_last_frames(json, "lastFramesFromBackend", close.from_backend);
  json.key("seconds").decimal(close.seconds, 3).end_object().end_object();
  line_ += '\n';
  settings_.sink->write(line_);
}

}  // namespace passerelle::telemetry
