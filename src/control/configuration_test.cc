#include "control/configuration.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/simulated_engine.h"
#include "io/task_group.h"

namespace passerelle::control {
namespace {

constexpr std::string_view good = R"({
  "frontendIPConfigurations": [ { "name": "front" } ],
  "frontendPorts": [ { "name": "port80", "properties": { "port": 80 } } ],
  "httpListeners": [ { "name": "listener", "properties": { "frontendIPConfiguration": { "id": "/x/frontendIPConfigurations/front" },
    "frontendPort": { "id": "/x/frontendPorts/port80" }, "protocol": "Http" } } ],
  "backendAddressPools": [ { "name": "pool", "properties": { "backendAddresses": [ { "ipAddress": "10.0.0.4" } ] } } ],
  "backendHttpSettingsCollection": [ { "name": "settings", "properties": { "port": 80, "protocol": "Http" } } ],
  "requestRoutingRules": [ { "name": "rule", "properties": { "httpListener": { "id": "/x/httpListeners/listener" },
    "backendAddressPool": { "id": "/x/backendAddressPools/pool" }, "backendHttpSettings": { "id": "/x/backendHttpSettingsCollection/settings" } } } ] })";

class ConfigurationTest : public testing::Test {
 protected:
  ConfigurationTest()
      : folder_(std::filesystem::temp_directory_path() /
                ("passerelle-control-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
    write(good);
  }
  ~ConfigurationTest() override { std::filesystem::remove_all(folder_); }
  void write(std::string_view text) { std::ofstream(folder_ / "gateway.json") << text; }
  FileSource source() {
    FileOptions options;
    options.templates = {(folder_ / "gateway.json").string()};
    return FileSource(options);
  }
  Activation activation() {
    return {[this](std::shared_ptr<const model::Gateway> gateway) {
              prepared = std::move(gateway);
              return refusal;
            },
            [this] { ++commits; }, [](std::shared_ptr<const model::Gateway>) {}};
  }

  std::filesystem::path folder_;
  io::SimulatedClock clock;
  telemetry::EventLog events{clock, telemetry::Level::error, false,
                             std::make_shared<telemetry::LineSink>(::open("/dev/null", 1), "/dev/null")};
  std::shared_ptr<const model::Gateway> prepared;
  Problems refusal;
  int commits = 0;
  SeededRandom random{1};
};

TEST_F(ConfigurationTest, AConfigurationIsTakenWholeOrNotAtAll) {
  Configuration configuration(source(), StateFolder("/proc/nowhere"), activation(), random, events);
  Problems problems;
  EXPECT_EQ(configuration.load(problems), Configuration::Outcome::taken);
  EXPECT_EQ(commits, 1);
  const auto in_force = configuration.gateway();
  write("{");
  configuration.reload("test");
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(configuration.gateway(), in_force);
  write(good);
  refusal = {{{}, Severity::error, "AddressInUse", "taken", {}}};
  configuration.reload("test");
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(configuration.gateway(), in_force);
  EXPECT_EQ(configuration.version(), 1U);
  refusal.clear();
  configuration.reload("test");
  EXPECT_EQ(commits, 2);
  EXPECT_EQ(configuration.version(), 2U);
}

io::Task<> change_then_stop(ConfigurationTest&, io::Engine& engine, io::StopSource& stop,
                            const std::function<void()>& change) {
  (void)co_await engine.sleep({engine.now() + std::chrono::seconds(2), nullptr});
  change();
  (void)co_await engine.sleep({engine.now() + std::chrono::seconds(2), nullptr});
  stop.request_stop();
}

io::Task<> follow_changes(Configuration& configuration, io::Engine& engine, io::StopSource& stop) {
  while (co_await configuration.changed(engine, stop)) configuration.reload("a file changed");
}

TEST_F(ConfigurationTest, WatchingLoadsOnceForOneChange) {
  io::SimulatedEngine engine(clock, random);
  Configuration configuration(source(), StateFolder("/proc/nowhere"), activation(), random, events);
  Problems problems;
  ASSERT_EQ(configuration.load(problems), Configuration::Outcome::taken);
  io::TaskGroup group(engine);
  io::StopSource stop;
  const std::function<void()> change = [this] { write(std::string(good) + "\n"); };
  group.spawn(follow_changes(configuration, engine, stop));
  group.spawn(change_then_stop(*this, engine, stop, change));
  engine.run();
  EXPECT_EQ(commits, 2);
}

}  // namespace
}  // namespace passerelle::control
