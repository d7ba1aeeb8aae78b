#include "admin/metric_families.h"

#include <fmt/format.h>

#include <array>

namespace passerelle::admin {
namespace {

constexpr std::array all = {
    families::configuration_version,
    families::connections_accepted,
    families::connections_open,
    families::connections_refused,
    families::requests,
    families::responses,
    families::request_time_sum,
    families::listener_responses,
    families::listener_request_seconds,
    families::listener_received_bytes,
    families::listener_sent_bytes,
    families::backend_requests,
    families::backend_failures,
    families::backend_responses,
    families::backend_connects,
    families::backend_connect_time,
    families::backend_first_byte,
    families::backend_answers,
    families::backend_last_byte_time,
    families::upstream_connects,
    families::upstream_reuses,
    families::upstream_failures,
    families::tunnels_opened,
    families::tunnels_open,
    families::tunnel_message_bytes,
    families::tunnel_control_frames,
    families::tunnels_ended,
    families::route_tunnels_open,
    families::route_tunnels_opened,
    families::route_tunnel_messages,
    families::route_tunnel_bytes,
    families::route_tunnels_closed,
    families::tls_handshakes,
    families::tls_handshakes_failed,
    families::upgrades_waited,
    families::upgrades_refused,
    families::certificate_not_after,
    families::member_up,
    families::member_tunnels,
    families::member_requests,
};

std::string_view name_of(MetricFamily::Kind kind) {
  switch (kind) {
    case MetricFamily::Kind::counter: return "counter";
    case MetricFamily::Kind::gauge: return "gauge";
    case MetricFamily::Kind::histogram: return "histogram";
  }
  return "";
}

}  // namespace

std::span<const MetricFamily> metric_families() { return all; }

std::string metrics_page() {
  std::string out =
      "# Metrics\n\n"
      "`GET /metrics` of the admin listener, in Prometheus' text format. This page is made from the code "
      "(`./dev "
      "pages`). The last column says\nwhich of Azure's metrics it stands for. A gateway's listeners and "
      "pools are the "
      "only labels that grow; past 10,000 routes the newest share one without names.\n\n"
      "| metric | kind | labels | what it says | Azure's |\n|---|---|---|---|---|\n";
  for (const MetricFamily& family : all) {
    out += fmt::format("| `passerelle_{}` | {} | {} | {} | {} |\n", family.name, name_of(family.kind),
                       family.labels, family.help, family.azure);
  }
  out +=
      "\nAzure's CapacityUnits, ComputeUnits, CpuUtilization and the units that are billed have no "
      "counterpart: nobody "
      "bills. ClientRtt is in `/api/v1/tunnels`, one a tunnel;\nTlsProtocol is in the access log. What "
      "Azure's firewall "
      "counts is not here: nothing inspects.\n\n"
      "Azure averages over a minute; here that is a rate:\n\n"
      "```promql\n"
      "sum by (listener) (rate(passerelle_listener_request_seconds_sum[1m])) / sum by (listener) "
      "(rate(passerelle_listener_request_seconds_count[1m]))\n"
      "histogram_quantile(0.99, sum by (pool, settings, le) "
      "(rate(passerelle_backend_first_byte_seconds_bucket[5m])))\n"
      "count by (pool, settings) (passerelle_member_up == 0)\n"
      "```\n";
  return out;
}

}  // namespace passerelle::admin
