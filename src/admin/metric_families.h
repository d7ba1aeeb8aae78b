// Every metric there is: its name, what it says, and which of Azure's it stands for.
// docs/operating/metrics.md is made of this. Source: Azure, supported metrics of
// Microsoft.Network/applicationGateways (behaviour sheet, section 16).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace passerelle::admin {

struct MetricFamily {
  enum class Kind : std::uint8_t { counter, gauge, histogram };
  std::string_view name;  // without "passerelle_"
  Kind kind = Kind::counter;
  std::string_view labels;  // divided by blanks
  std::string_view help;
  std::string_view azure = {};  // Azure's name, and what of it differs
};

namespace families {

using enum MetricFamily::Kind;

inline constexpr MetricFamily configuration_version{"configuration_version", gauge, "",
                                                    "How many configurations were taken since the start."};
inline constexpr MetricFamily connections_accepted{"connections_accepted_total", counter, "",
                                                   "Client connections accepted.",
                                                   "NewConnectionsPerSecond, by rate()"};
inline constexpr MetricFamily connections_open{"connections_open", gauge, "",
                                               "Client connections that speak HTTP now.",
                                               "CurrentConnections, with tunnels_open"};
inline constexpr MetricFamily connections_refused{
    "connections_refused_total", counter, "",
    "Connections closed at once: over a limit, or out of descriptors."};
inline constexpr MetricFamily requests{"requests_total", counter, "",
                                       "Requests read, WebSocket handshakes included."};
inline constexpr MetricFamily responses{"responses_total", counter, "class",
                                        "Responses sent to clients, by status class; 101 opens a tunnel.",
                                        "ResponseStatus"};
inline constexpr MetricFamily request_time_sum{
    "request_seconds_total", counter, "", "Time spent on finished requests; a tunnel's life never counts."};
inline constexpr MetricFamily listener_responses{
    "listener_responses_total", counter, "listener class",
    "Responses sent to clients, by listener and status class; 101 opens a tunnel."};
inline constexpr MetricFamily listener_request_seconds{
    "listener_request_seconds", histogram, "listener",
    "From a request's first byte to its response's last; a tunnel's life never counts.",
    "ApplicationGatewayTotalTime; Azure's counts a WebSocket's life too"};
inline constexpr MetricFamily listener_received_bytes{
    "listener_received_bytes_total", counter, "listener",
    "Bytes of requests, heads and bodies, from clients. What tunnels carry is in route_tunnel_bytes_total.",
    "BytesReceived"};
inline constexpr MetricFamily listener_sent_bytes{"listener_sent_bytes_total", counter, "listener",
                                                  "Bytes of responses to clients. The same holds.",
                                                  "BytesSent; Throughput is the rate of both"};
inline constexpr MetricFamily backend_requests{
    "backend_requests_total", counter, "pool settings",
    "Tries of requests at members: one for each member that was asked.",
    "TotalRequests, but for those that came to no member"};
inline constexpr MetricFamily backend_failures{
    "backend_failures_total", counter, "pool settings",
    "Tries that came to no answer: no connection, none within requestTimeout, or a broken one.",
    "FailedRequests, which counts a request once"};
inline constexpr MetricFamily backend_responses{"backend_responses_total", counter, "pool settings class",
                                                "Answers of members, by status class.",
                                                "BackendResponseStatus"};
inline constexpr MetricFamily backend_connects{"backend_connects_total", counter, "pool settings",
                                               "Connections opened to members, TLS included."};
inline constexpr MetricFamily backend_connect_time{"backend_connect_seconds_total", counter, "pool settings",
                                                   "Time it took to open them.",
                                                   "BackendConnectTime, divided by the connects"};
inline constexpr MetricFamily backend_first_byte{
    "backend_first_byte_seconds", histogram, "pool settings",
    "From the beginning of a try, connecting included, to the head of the answer.",
    "BackendFirstByteResponseTime"};
inline constexpr MetricFamily backend_answers{"backend_answers_total", counter, "pool settings",
                                              "Answers that came whole."};
inline constexpr MetricFamily backend_last_byte_time{
    "backend_last_byte_seconds_total", counter, "pool settings",
    "From the beginning of a try to the end of the answer, over all of those.",
    "BackendLastByteResponseTime, divided by the answers"};
inline constexpr MetricFamily upstream_connects{"upstream_connects_total", counter, "",
                                                "Connections opened to members."};
inline constexpr MetricFamily upstream_reuses{"upstream_reuses_total", counter, "",
                                              "Requests sent over a kept connection."};
inline constexpr MetricFamily upstream_failures{"upstream_failures_total", counter, "",
                                                "Tries at a member that came to no answer."};
inline constexpr MetricFamily tunnels_opened{"tunnels_opened_total", counter, "",
                                             "WebSocket tunnels opened."};
inline constexpr MetricFamily tunnels_open{"tunnels_open", gauge, "", "WebSocket tunnels open now.",
                                           "WebSocketActiveConnections"};
inline constexpr MetricFamily tunnel_message_bytes{"tunnel_message_bytes", histogram, "from",
                                                   "Sizes of WebSocket messages, by who sent them."};
inline constexpr MetricFamily tunnel_control_frames{"tunnel_control_frames_total", counter, "from opcode",
                                                    "WebSocket control frames, by who sent them."};
inline constexpr MetricFamily tunnels_ended{"tunnels_ended_total", counter, "cause",
                                            "WebSocket tunnels that ended, by why."};
inline constexpr MetricFamily route_tunnels_open{"route_tunnels_open", gauge, "listener rule pool",
                                                 "WebSocket tunnels open now."};
inline constexpr MetricFamily route_tunnels_opened{"route_tunnels_opened_total", counter,
                                                   "listener rule pool", "WebSocket tunnels opened."};
inline constexpr MetricFamily route_tunnel_messages{"route_tunnel_messages_total", counter,
                                                    "listener rule pool from",
                                                    "WebSocket messages, by who sent them."};
inline constexpr MetricFamily route_tunnel_bytes{"route_tunnel_bytes_total", counter,
                                                 "listener rule pool from",
                                                 "Bytes through tunnels, by who sent them."};
inline constexpr MetricFamily route_tunnels_closed{
    "route_tunnels_closed_total", counter, "listener rule pool code",
    "WebSocket tunnels that ended, by the code of the Close that came first.",
    "WebsocketSpecificCloseStatusCode"};
inline constexpr MetricFamily tls_handshakes{"tls_handshakes_total", counter, "",
                                             "TLS handshakes with clients."};
inline constexpr MetricFamily tls_handshakes_failed{"tls_handshakes_failed_total", counter, "",
                                                    "TLS handshakes with clients that failed."};
inline constexpr MetricFamily upgrades_waited{"upgrades_waited_total", counter, "",
                                              "WebSocket handshakes that waited for their turn at a member."};
inline constexpr MetricFamily upgrades_refused{
    "upgrades_refused_total", counter, "",
    "WebSocket handshakes turned away with a 503 because too many were waiting."};
inline constexpr MetricFamily certificate_not_after{
    "certificate_not_after_timestamp_seconds", gauge, "certificate",
    "When a listener's certificate, or one of its chain, ends."};
inline constexpr MetricFamily member_up{
    "member_up", gauge, "pool settings member",
    "1 when the member's probes succeed and it gets traffic: not while it is drained by hand.",
    "HealthyHostCount and UnhealthyHostCount, by sum() and count()"};
inline constexpr MetricFamily member_tunnels{"member_tunnels", gauge, "pool settings member",
                                             "Open tunnels of the member."};
inline constexpr MetricFamily member_requests{"member_requests", gauge, "pool settings member",
                                              "Requests under way at the member."};

}  // namespace families

[[nodiscard]] std::span<const MetricFamily> metric_families();

// The page for people.
[[nodiscard]] std::string metrics_page();

}  // namespace passerelle::admin
