#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <map>

namespace passerelle::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using telemetry::Counter;
using telemetry::Counters;

ClientMetric sample(double value, MetricType type, std::vector<ClientMetric::Label> labels) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  return metric;
}

class Collector {
 public:
  explicit Collector(const std::vector<const Counters*>& workers) : workers_(workers) {}

  void add(const std::string& name, const std::string& help, MetricType type,
           const Counter Counters::* counter, double scale = 1) {
    std::uint64_t sum = 0;
    for (const Counters* worker : workers_) sum += (worker->*counter).value();
    add(name, help, type, {sample(static_cast<double>(sum) * scale, type, {})});
  }
  void add(const std::string& name, const std::string& help, MetricType type,
           std::vector<ClientMetric> samples) {
    families_.push_back(MetricFamily{"passerelle_" + name, help, type, std::move(samples)});
  }
  void add_responses() {
    std::vector<ClientMetric> samples;
    for (std::size_t i = 1; i <= 5; ++i) {
      std::uint64_t sum = 0;
      for (const Counters* worker : workers_) sum += worker->responses_by_class[i].value();
      samples.push_back(
          sample(static_cast<double>(sum), MetricType::Counter, {{"class", std::to_string(i) + "xx"}}));
    }
    add("responses_total", "Responses sent to clients, by status class; 101 opens a tunnel.",
        MetricType::Counter, std::move(samples));
  }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  const std::vector<const Counters*>& workers_;
  std::vector<MetricFamily> families_;
};

void add_members(Collector& out, const model::Gateway& gateway, const std::vector<board::Group>& groups) {
  std::vector<ClientMetric> up, tunnels, requests;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const auto& member : groups[i].members) {
      const std::vector<ClientMetric::Label> labels = {{"pool", gateway.groups[i].pool},
                                                       {"settings", gateway.groups[i].settings_name},
                                                       {"member", member->address}};
      up.push_back(sample(member->health.load() == model::Health::up ? 1 : 0, MetricType::Gauge, labels));
      tunnels.push_back(sample(member->tunnels.load(), MetricType::Gauge, labels));
      requests.push_back(sample(member->requests.load(), MetricType::Gauge, labels));
    }
  }
  out.add("member_up", "1 when the member's probes succeed and it gets traffic.", MetricType::Gauge,
          std::move(up));
  out.add("member_tunnels", "Open tunnels of the member.", MetricType::Gauge, std::move(tunnels));
  out.add("member_requests", "Requests under way at the member.", MetricType::Gauge, std::move(requests));
}

}  // namespace

std::string metrics_text(const model::Gateway& gateway, const std::vector<board::Group>& groups,
                         const std::vector<const Counters*>& workers, std::uint64_t configuration_version) {
  constexpr auto counter = MetricType::Counter;
  constexpr auto gauge = MetricType::Gauge;
  Collector out(workers);
  out.add("configuration_version", "How many configurations were taken since the start.", gauge,
          {sample(static_cast<double>(configuration_version), gauge, {})});
  out.add("connections_accepted_total", "Client connections accepted.", counter,
          &Counters::connections_accepted);
  out.add("connections_open", "Client connections that speak HTTP now.", gauge, &Counters::connections_open);
  out.add("connections_refused_total", "Connections closed at once: over a limit, or out of descriptors.",
          counter, &Counters::connections_refused);
  out.add("requests_total", "Requests read, WebSocket handshakes included.", counter, &Counters::requests);
  out.add_responses();
  out.add("request_seconds_total", "Time spent on finished requests; a tunnel's life never counts.", counter,
          &Counters::request_microseconds, 1e-6);
  out.add("upstream_connects_total", "Connections opened to members.", counter, &Counters::upstream_connects);
  out.add("upstream_reuses_total", "Requests sent over a kept connection.", counter,
          &Counters::upstream_reuses);
  out.add("upstream_failures_total", "Tries at a member that came to no answer.", counter,
          &Counters::upstream_failures);
  out.add("tunnels_opened_total", "WebSocket tunnels opened.", counter, &Counters::tunnels_opened);
  out.add("tunnels_open", "WebSocket tunnels open now.", gauge, &Counters::tunnels_open);
  out.add("tunnel_messages_from_client_total", "WebSocket messages clients sent.", counter,
          &Counters::tunnel_messages_from_client);
  out.add("tunnel_messages_from_backend_total", "WebSocket messages members sent.", counter,
          &Counters::tunnel_messages_from_backend);
  out.add("tunnel_bytes_from_client_total", "Bytes clients sent through tunnels.", counter,
          &Counters::tunnel_bytes_from_client);
  out.add("tunnel_bytes_from_backend_total", "Bytes members sent through tunnels.", counter,
          &Counters::tunnel_bytes_from_backend);
  out.add("tls_handshakes_total", "TLS handshakes with clients.", counter, &Counters::tls_handshakes);
  out.add("tls_handshakes_failed_total", "TLS handshakes with clients that failed.", counter,
          &Counters::tls_handshakes_failed);
  add_members(out, gateway, groups);
  return out.text();
}

}  // namespace passerelle::admin
