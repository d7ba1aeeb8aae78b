#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
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

constexpr std::array sides = {"client", "backend"};  // who sent it

void add_tunnel_frames(Collector& out, const std::vector<const telemetry::TunnelFrames*>& workers) {
  std::vector<ClientMetric> sizes, controls, ends;
  for (std::size_t side = 0; side < sides.size(); ++side) {
    const auto sum = [&](auto part) {
      std::uint64_t all = 0;
      for (const auto* worker : workers) all += part(worker->directions[side]);
      return all;
    };
    ClientMetric histogram;
    histogram.label = {{"from", sides[side]}};
    std::uint64_t count = 0;
    for (std::size_t bucket = 0; bucket <= telemetry::SizeHistogram::buckets; ++bucket) {
      count += sum([&](const auto& direction) { return direction.message_bytes.count(bucket); });
      const bool last = bucket == telemetry::SizeHistogram::buckets;
      histogram.histogram.bucket.push_back(
          {count, last ? std::numeric_limits<double>::infinity()
                       : static_cast<double>(telemetry::SizeHistogram::bound(bucket))});
    }
    histogram.histogram.sample_count = count;
    histogram.histogram.sample_sum =
        static_cast<double>(sum([](const auto& direction) { return direction.message_bytes.sum(); }));
    sizes.push_back(std::move(histogram));
    const auto add = [&](const char* opcode, std::uint64_t value) {
      controls.push_back(sample(static_cast<double>(value), MetricType::Counter,
                                {{"from", sides[side]}, {"opcode", opcode}}));
    };
    add("close", sum([](const auto& direction) { return direction.closes.value(); }));
    add("ping", sum([](const auto& direction) { return direction.pings.value(); }));
    add("pong", sum([](const auto& direction) { return direction.pongs.value(); }));
  }
  for (std::size_t end = 1; end < telemetry::tunnel_ends; ++end) {
    std::uint64_t all = 0;
    for (const auto* worker : workers) all += worker->ends[end].value();
    ends.push_back(sample(static_cast<double>(all), MetricType::Counter,
                          {{"cause", std::string(to_string(static_cast<telemetry::TunnelEnd>(end)))}}));
  }
  out.add("tunnel_message_bytes", "Sizes of WebSocket messages, by who sent them.", MetricType::Histogram,
          std::move(sizes));
  out.add("tunnel_control_frames_total", "WebSocket control frames, by who sent them.", MetricType::Counter,
          std::move(controls));
  out.add("tunnels_ended_total", "WebSocket tunnels that ended, by why.", MetricType::Counter,
          std::move(ends));
}

// By listener, rule and pool.
void add_routes(Collector& out, const std::vector<std::shared_ptr<const telemetry::RouteCounters>>& routes) {
  std::vector<ClientMetric> open, opened, messages, bytes, closed;
  for (const auto& route : routes) {
    const std::vector<ClientMetric::Label> labels = {
        {"listener", route->listener}, {"rule", route->rule}, {"pool", route->pool}};
    const auto add = [&](std::vector<ClientMetric>& to, MetricType type, auto part,
                         ClientMetric::Label more = {}) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < route->worker_count; ++i) sum += part(route->by_worker[i]).value();
      auto all = labels;
      if (!more.name.empty()) all.push_back(std::move(more));
      to.push_back(sample(static_cast<double>(sum), type, std::move(all)));
      return sum;
    };
    using Tunnels = const telemetry::RouteTunnels&;
    add(open, MetricType::Gauge, [](Tunnels t) -> auto& { return t.open; });
    add(opened, MetricType::Counter, [](Tunnels t) -> auto& { return t.opened; });
    for (std::size_t side = 0; side < sides.size(); ++side) {
      add(messages, MetricType::Counter, [&](Tunnels t) -> auto& { return t.messages[side]; },
          {"from", sides[side]});
      add(bytes, MetricType::Counter, [&](Tunnels t) -> auto& { return t.bytes[side]; },
          {"from", sides[side]});
    }
    for (std::size_t slot = 0; slot < telemetry::CloseCodes::count; ++slot) {
      const auto part = [&](Tunnels t) -> auto& { return t.closed[slot]; };
      // Codes that never came are not worth a line each.
      if (add(closed, MetricType::Counter, part, {"code", telemetry::CloseCodes::name(slot)}) == 0)
        closed.pop_back();
    }
  }
  out.add("route_tunnels_open", "WebSocket tunnels open now.", MetricType::Gauge, std::move(open));
  out.add("route_tunnels_opened_total", "WebSocket tunnels opened.", MetricType::Counter, std::move(opened));
  out.add("route_tunnel_messages_total", "WebSocket messages, by who sent them.", MetricType::Counter,
          std::move(messages));
  out.add("route_tunnel_bytes_total", "Bytes through tunnels, by who sent them.", MetricType::Counter,
          std::move(bytes));
  out.add("route_tunnels_closed_total",
          "WebSocket tunnels that ended, by the code of the Close that came first.", MetricType::Counter,
          std::move(closed));
}

}  // namespace

std::string metrics_text(const Measured& seen) {
  constexpr auto counter = MetricType::Counter;
  constexpr auto gauge = MetricType::Gauge;
  Collector out(seen.workers);
  out.add("configuration_version", "How many configurations were taken since the start.", gauge,
          {sample(static_cast<double>(seen.configuration_version), gauge, {})});
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
  add_tunnel_frames(out, seen.tunnel_frames);
  add_routes(out, seen.routes);
  out.add("tls_handshakes_total", "TLS handshakes with clients.", counter, &Counters::tls_handshakes);
  out.add("upgrades_waited_total", "WebSocket handshakes that waited for their turn at a member.", counter,
          &Counters::upgrades_waited);
  out.add("upgrades_refused_total",
          "WebSocket handshakes turned away with a 503 because too many were waiting.", counter,
          &Counters::upgrades_refused);
  out.add("tls_handshakes_failed_total", "TLS handshakes with clients that failed.", counter,
          &Counters::tls_handshakes_failed);
  add_members(out, *seen.gateway, seen.groups);
  return out.text();
}

}  // namespace passerelle::admin
