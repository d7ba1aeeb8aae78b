#include "admin/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <limits>
#include <map>

#include "admin/metric_families.h"
#include "base/text.h"

namespace passerelle::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;
using telemetry::Counter;
using telemetry::Counters;

MetricType type_of(MetricFamily::Kind kind) {
  switch (kind) {
    case MetricFamily::Kind::counter: return MetricType::Counter;
    case MetricFamily::Kind::gauge: return MetricType::Gauge;
    case MetricFamily::Kind::histogram: return MetricType::Histogram;
  }
  return MetricType::Untyped;
}

// The samples of one family, with its labels' names.
class Samples {
 public:
  explicit Samples(const MetricFamily& family) : family_(family) {}

  void add(double value, const std::vector<std::string_view>& labels = {}) {
    ClientMetric& metric = begin(labels);
    if (family_.kind == MetricFamily::Kind::counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
  }
  // What never came is not worth a line.
  void add_if_any(double value, const std::vector<std::string_view>& labels) {
    if (value > 0) add(value, labels);
  }
  // `counts` by bucket, not summed up; the last bound is infinite.
  void add_histogram(const std::vector<std::uint64_t>& counts, const std::vector<double>& bounds, double sum,
                     const std::vector<std::string_view>& labels) {
    ClientMetric& metric = begin(labels);
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      count += counts[i];
      metric.histogram.bucket.push_back(
          {count, i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = count;
    metric.histogram.sample_sum = sum;
  }
  [[nodiscard]] prometheus::MetricFamily take() {
    return {"passerelle_" + std::string(family_.name), std::string(family_.help), type_of(family_.kind),
            std::move(samples_)};
  }

 private:
  ClientMetric& begin(const std::vector<std::string_view>& values) {
    ClientMetric& metric = samples_.emplace_back();
    std::string_view names = family_.labels;
    for (const std::string_view value : values) {
      const auto [name, rest] = split_once(names, ' ');
      metric.label.push_back({std::string(name), std::string(value)});
      names = rest;
    }
    return metric;
  }

  const MetricFamily& family_;
  std::vector<ClientMetric> samples_;
};

constexpr std::array classes = {"", "1xx", "2xx", "3xx", "4xx", "5xx"};
constexpr std::array sides = {"client", "backend"};  // who sent it

class Collector {
 public:
  explicit Collector(const std::vector<const Counters*>& workers) : workers_(workers) {}

  // A number of the workers, summed up.
  void add(const MetricFamily& family, const Counter Counters::* counter, double scale = 1) {
    std::uint64_t sum = 0;
    for (const Counters* worker : workers_) sum += (worker->*counter).value();
    Samples samples(family);
    samples.add(static_cast<double>(sum) * scale);
    add(samples);
  }
  void add(Samples& samples) { families_.push_back(samples.take()); }
  [[nodiscard]] const std::vector<const Counters*>& workers() const { return workers_; }
  [[nodiscard]] std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  const std::vector<const Counters*>& workers_;
  std::vector<prometheus::MetricFamily> families_;
};

void add_responses(Collector& out) {
  Samples samples(families::responses);
  for (std::size_t i = 1; i < classes.size(); ++i) {
    std::uint64_t sum = 0;
    for (const Counters* worker : out.workers()) sum += worker->responses_by_class[i].value();
    samples.add(static_cast<double>(sum), {classes[i]});
  }
  out.add(samples);
}

void add_members(Collector& out, const model::Gateway& gateway, const std::vector<board::Group>& groups) {
  Samples up(families::member_up), tunnels(families::member_tunnels), requests(families::member_requests);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    for (const auto& member : groups[i].members) {
      const std::vector<std::string_view> labels = {gateway.groups[i].pool, gateway.groups[i].settings_name,
                                                    member->address};
      up.add(member->standing() == model::Health::up ? 1 : 0, labels);
      tunnels.add(member->tunnels.load(), labels);
      requests.add(member->requests.load(), labels);
    }
  }
  for (Samples* samples : {&up, &tunnels, &requests}) out.add(*samples);
}

void add_certificates(Collector& out, const model::Gateway& gateway) {
  Samples ends(families::certificate_not_after);
  for (const model::Certificate& certificate : gateway.certificates) {
    if (certificate.not_after != 0) ends.add(static_cast<double>(certificate.not_after), {certificate.name});
  }
  out.add(ends);
}

void add_tunnel_frames(Collector& out, const std::vector<const telemetry::TunnelFrames*>& workers) {
  Samples sizes(families::tunnel_message_bytes), controls(families::tunnel_control_frames),
      ends(families::tunnels_ended);
  std::vector<double> bounds;
  for (std::size_t i = 0; i < telemetry::SizeHistogram::buckets; ++i)
    bounds.push_back(static_cast<double>(telemetry::SizeHistogram::bound(i)));
  for (std::size_t side = 0; side < sides.size(); ++side) {
    const auto sum = [&](auto part) {
      std::uint64_t all = 0;
      for (const auto* worker : workers) all += part(worker->directions[side]);
      return all;
    };
    std::vector<std::uint64_t> counts;
    for (std::size_t bucket = 0; bucket <= telemetry::SizeHistogram::buckets; ++bucket)
      counts.push_back(sum([&](const auto& direction) { return direction.message_bytes.count(bucket); }));
    sizes.add_histogram(
        counts, bounds,
        static_cast<double>(sum([](const auto& direction) { return direction.message_bytes.sum(); })),
        {sides[side]});
    const auto add = [&](const char* opcode, std::uint64_t value) {
      controls.add(static_cast<double>(value), {sides[side], opcode});
    };
    add("close", sum([](const auto& direction) { return direction.closes.value(); }));
    add("ping", sum([](const auto& direction) { return direction.pings.value(); }));
    add("pong", sum([](const auto& direction) { return direction.pongs.value(); }));
  }
  for (std::size_t end = 1; end < telemetry::tunnel_ends; ++end) {
    std::uint64_t all = 0;
    for (const auto* worker : workers) all += worker->ends[end].value();
    ends.add(static_cast<double>(all), {to_string(static_cast<telemetry::TunnelEnd>(end))});
  }
  for (Samples* samples : {&sizes, &controls, &ends}) out.add(*samples);
}

using Routes = std::vector<std::shared_ptr<const telemetry::RouteCounters>>;

// Routes that are one by what a family's labels say of them, with that.
using Together = std::map<std::vector<std::string_view>, std::vector<const telemetry::RouteCounters*>>;

template <class Labels>
Together group_by(const Routes& routes, Labels labels) {
  Together out;
  for (const auto& route : routes) {
    if (auto key = labels(route->key); !key.empty()) out[std::move(key)].push_back(route.get());
  }
  return out;
}

// Over routes and workers, of what a route counts by worker.
template <auto by_worker, class Part>
std::uint64_t sum_of(const std::vector<const telemetry::RouteCounters*>& routes, Part part) {
  std::uint64_t sum = 0;
  for (const auto* route : routes) {
    for (std::size_t i = 0; i < route->worker_count; ++i) sum += part((route->*by_worker)[i]);
  }
  return sum;
}

constexpr auto tunnels_of = &telemetry::RouteCounters::tunnels;
constexpr auto requests_of = &telemetry::RouteCounters::requests;

std::vector<std::string_view> with(std::vector<std::string_view> labels, std::string_view more) {
  labels.push_back(more);
  return labels;
}

void add_tunnels(Collector& out, const Routes& routes) {
  Samples open(families::route_tunnels_open), opened(families::route_tunnels_opened),
      messages(families::route_tunnel_messages), bytes(families::route_tunnel_bytes),
      closed(families::route_tunnels_closed);
  using Tunnels = const telemetry::RouteTunnels&;
  const auto groups = group_by(routes, [](const telemetry::RouteKey& key) {
    return key.pool.empty() && !key.listener.empty()  // a redirect
               ? std::vector<std::string_view>()
               : std::vector<std::string_view>{key.listener, key.rule, key.pool};
  });
  // The names outlive the loop: closed codes' are kept here.
  static const auto codes = [] {
    std::array<std::string, telemetry::CloseCodes::count> names;
    for (std::size_t slot = 0; slot < names.size(); ++slot) names[slot] = telemetry::CloseCodes::name(slot);
    return names;
  }();
  for (const auto& [labels, together] : groups) {
    const auto sum = [&](auto part) { return static_cast<double>(sum_of<tunnels_of>(together, part)); };
    open.add(sum([](Tunnels t) { return t.open.value(); }), labels);
    opened.add(sum([](Tunnels t) { return t.opened.value(); }), labels);
    for (std::size_t side = 0; side < sides.size(); ++side) {
      messages.add(sum([&](Tunnels t) { return t.messages[side].value(); }), with(labels, sides[side]));
      bytes.add(sum([&](Tunnels t) { return t.bytes[side].value(); }), with(labels, sides[side]));
    }
    for (std::size_t slot = 0; slot < codes.size(); ++slot) {
      const double count = sum([&](Tunnels t) { return t.closed[slot].value(); });
      closed.add_if_any(count, with(labels, codes[slot]));
    }
  }
  for (Samples* samples : {&open, &opened, &messages, &bytes, &closed}) out.add(*samples);
}

void add_time(Samples& to, const std::vector<const telemetry::RouteCounters*>& routes,
              const telemetry::TimeHistogram telemetry::RouteRequests::* part,
              const std::vector<std::string_view>& labels) {
  using Requests = const telemetry::RouteRequests&;
  std::vector<std::uint64_t> counts;
  for (std::size_t bucket = 0; bucket < telemetry::TimeHistogram::buckets; ++bucket)
    counts.push_back(sum_of<requests_of>(routes, [&](Requests r) { return (r.*part).count(bucket); }));
  std::vector<double> bounds;
  for (const std::uint32_t bound : telemetry::TimeHistogram::bounds_ms) bounds.push_back(bound / 1000.0);
  const auto sum = sum_of<requests_of>(routes, [&](Requests r) { return (r.*part).microseconds(); });
  to.add_histogram(counts, bounds, static_cast<double>(sum) * 1e-6, labels);
}

void add_listeners(Collector& out, const Routes& routes) {
  Samples responses(families::listener_responses), times(families::listener_request_seconds),
      received(families::listener_received_bytes), sent(families::listener_sent_bytes);
  using Requests = const telemetry::RouteRequests&;
  const auto groups = group_by(
      routes, [](const telemetry::RouteKey& key) { return std::vector<std::string_view>{key.listener}; });
  for (const auto& [labels, together] : groups) {
    for (std::size_t i = 1; i < classes.size(); ++i)
      responses.add_if_any(static_cast<double>(sum_of<requests_of>(
                               together, [&](Requests r) { return r.responses[i].value(); })),
                           with(labels, classes[i]));
    add_time(times, together, &telemetry::RouteRequests::total, labels);
    received.add(static_cast<double>(
                     sum_of<requests_of>(together, [](Requests r) { return r.received_bytes.value(); })),
                 labels);
    sent.add(
        static_cast<double>(sum_of<requests_of>(together, [](Requests r) { return r.sent_bytes.value(); })),
        labels);
  }
  for (Samples* samples : {&responses, &times, &received, &sent}) out.add(*samples);
}

void add_backends(Collector& out, const Routes& routes) {
  Samples requests(families::backend_requests), failures(families::backend_failures),
      responses(families::backend_responses), connects(families::backend_connects),
      connect_time(families::backend_connect_time), first_byte(families::backend_first_byte),
      answers(families::backend_answers), last_byte(families::backend_last_byte_time);
  using Requests = const telemetry::RouteRequests&;
  const auto groups = group_by(routes, [](const telemetry::RouteKey& key) {
    return key.pool.empty() ? std::vector<std::string_view>()
                            : std::vector<std::string_view>{key.pool, key.settings};
  });
  for (const auto& [labels, together] : groups) {
    const auto sum = [&](auto part) { return static_cast<double>(sum_of<requests_of>(together, part)); };
    double tries = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const double count = sum([&](Requests r) { return r.member_responses[i].value(); });
      tries += count;
      if (i == 0)
        failures.add(count, labels);
      else
        responses.add_if_any(count, with(labels, classes[i]));
    }
    requests.add(tries, labels);
    connects.add(sum([](Requests r) { return r.connects.value(); }), labels);
    connect_time.add(sum([](Requests r) { return r.connect_microseconds.value(); }) * 1e-6, labels);
    add_time(first_byte, together, &telemetry::RouteRequests::first_byte, labels);
    answers.add(sum([](Requests r) { return r.last_bytes.value(); }), labels);
    last_byte.add(sum([](Requests r) { return r.last_byte_microseconds.value(); }) * 1e-6, labels);
  }
  for (Samples* samples :
       {&requests, &failures, &responses, &connects, &connect_time, &first_byte, &answers, &last_byte})
    out.add(*samples);
}

}  // namespace

std::string metrics_text(const Measured& seen) {
  Collector out(seen.workers);
  Samples version(families::configuration_version);
  version.add(static_cast<double>(seen.configuration_version));
  out.add(version);
  out.add(families::connections_accepted, &Counters::connections_accepted);
  out.add(families::connections_open, &Counters::connections_open);
  out.add(families::connections_refused, &Counters::connections_refused);
  out.add(families::requests, &Counters::requests);
  add_responses(out);
  out.add(families::request_time_sum, &Counters::request_microseconds, 1e-6);
  add_listeners(out, seen.routes);
  add_backends(out, seen.routes);
  out.add(families::upstream_connects, &Counters::upstream_connects);
  out.add(families::upstream_reuses, &Counters::upstream_reuses);
  out.add(families::upstream_failures, &Counters::upstream_failures);
  out.add(families::tunnels_opened, &Counters::tunnels_opened);
  out.add(families::tunnels_open, &Counters::tunnels_open);
  add_tunnel_frames(out, seen.tunnel_frames);
  add_tunnels(out, seen.routes);
  out.add(families::tls_handshakes, &Counters::tls_handshakes);
  out.add(families::tls_handshakes_failed, &Counters::tls_handshakes_failed);
  out.add(families::upgrades_waited, &Counters::upgrades_waited);
  out.add(families::upgrades_refused, &Counters::upgrades_refused);
  add_certificates(out, *seen.gateway);
  add_members(out, *seen.gateway, seen.groups);
  return out.text();
}

}  // namespace passerelle::admin
