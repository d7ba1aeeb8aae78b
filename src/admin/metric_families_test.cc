#include "admin/metric_families.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <set>

#include "admin/metrics.h"

namespace passerelle::admin {
namespace {

using testing::HasSubstr;
using testing::Not;

// Names as long as people give them.
std::shared_ptr<telemetry::RouteCounters> route(std::size_t number) {
  const auto name = [&](std::string_view kind) {
    return fmt::format("contoso-production-{}-{}", kind, number);
  };
  return std::make_shared<telemetry::RouteCounters>(
      telemetry::RouteKey{name("listener"), name("rule"), name("pool"), name("settings")}, 2);
}

struct Measurement {
  telemetry::Counters counters;
  telemetry::TunnelFrames frames;
  Measured seen{std::make_shared<model::Gateway>(), {}, {&counters}, {&frames}, {}, 7};
};

TEST(MetricFamilies, ThePageIsWhatTheTableSays) {
  const std::string path = "docs/operating/metrics.md";  // tests run at the repository's root
  if (std::getenv("PASSERELLE_WRITE_PAGES") != nullptr) std::ofstream(path) << metrics_page();
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  EXPECT_TRUE(text == metrics_page()) << "run ./dev pages";
}

TEST(MetricFamilies, EachIsNamedOnceAndIsServed) {
  Measurement m;
  m.seen.routes.push_back(route(1));
  const std::string text = metrics_text(m.seen);
  std::set<std::string_view> names;
  for (const MetricFamily& family : metric_families()) {
    EXPECT_TRUE(names.insert(family.name).second) << family.name;
    EXPECT_FALSE(family.help.empty()) << family.name;
    EXPECT_THAT(text, HasSubstr(fmt::format("# TYPE passerelle_{} ", family.name)));
  }
  std::size_t served = 0;
  for (std::size_t at = text.find("# TYPE "); at != std::string::npos; at = text.find("# TYPE ", at + 1))
    ++served;
  EXPECT_EQ(served, names.size());
}

TEST(MetricFamilies, RequestsAreSummedUpOverWorkersAndRoutesOfAListener) {
  Measurement m;
  auto one = route(1), other = std::make_shared<telemetry::RouteCounters>(
                           telemetry::RouteKey{one->key.listener, "another", "pool", "settings"}, 2);
  one->requests[0].responses[2].add(3);
  one->requests[1].responses[2].add(4);
  other->requests[0].responses[2].add(5);
  one->requests[0].total.add(std::chrono::milliseconds(5));
  one->requests[0].total.add(std::chrono::milliseconds(10));
  one->requests[1].total.add(std::chrono::seconds(100));
  other->requests[0].member_responses[0].add(2);
  other->requests[0].member_responses[5].add(1);
  m.seen.routes = {one, other};
  const std::string text = metrics_text(m.seen);
  EXPECT_THAT(
      text,
      HasSubstr("listener_responses_total{listener=\"contoso-production-listener-1\",class=\"2xx\"} 12"));
  EXPECT_THAT(
      text,
      HasSubstr("listener_request_seconds_bucket{listener=\"contoso-production-listener-1\",le=\"0.01\"} 2"));
  EXPECT_THAT(
      text,
      HasSubstr("listener_request_seconds_bucket{listener=\"contoso-production-listener-1\",le=\"30\"} 2"));
  EXPECT_THAT(text,
              HasSubstr("listener_request_seconds_count{listener=\"contoso-production-listener-1\"} 3"));
  EXPECT_THAT(text, HasSubstr("backend_failures_total{pool=\"pool\",settings=\"settings\"} 2"));
  EXPECT_THAT(text, HasSubstr("backend_requests_total{pool=\"pool\",settings=\"settings\"} 3"));
}

TEST(MetricFamilies, ARedirectIsAListenersAndNoPools) {
  Measurement m;
  m.seen.routes.push_back(
      std::make_shared<telemetry::RouteCounters>(telemetry::RouteKey{"listener", "rule", "", ""}, 1));
  m.seen.routes.back()->requests[0].responses[3].add();
  const std::string text = metrics_text(m.seen);
  EXPECT_THAT(text, HasSubstr("listener_responses_total{listener=\"listener\""));
  EXPECT_THAT(text, Not(HasSubstr("pool=\"\"")));
}

TEST(MetricFamilies, TwoHundredListenersAreLessThanAMegabyte) {
  Measurement m;
  for (std::size_t i = 0; i < 200; ++i) {
    m.seen.routes.push_back(route(i));
    for (std::size_t slot = 0; slot < 4; ++slot) m.seen.routes.back()->tunnels[0].closed[slot].add();
    m.seen.routes.back()->requests[0].total.add(std::chrono::milliseconds(12345));
  }
  EXPECT_LT(metrics_text(m.seen).size(), 1'000'000U);
}

}  // namespace
}  // namespace passerelle::admin
