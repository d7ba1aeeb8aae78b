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
            [this] { ++commits; }, [this] { ++abandoned; }, [](std::shared_ptr<const model::Gateway>) {}};
  }

  std::filesystem::path folder_;
  io::SimulatedClock clock;
  telemetry::EventLog events{clock, telemetry::Level::error, false,
                             std::make_shared<telemetry::LineSink>(::open("/dev/null", 1), "/dev/null")};
  std::shared_ptr<const model::Gateway> prepared;
  Problems refusal;
  int commits = 0, abandoned = 0;
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

constexpr std::string_view id_text =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw";

// What the REST API has applied.
class KeptConfigurationTest : public ConfigurationTest {
 public:
  FileSource kept_source() {
    FileOptions options;
    options.templates = {(folder_ / "state" / kept_document).string()};
    options.kept = true;
    return FileSource(options);
  }
  StateFolder state() { return StateFolder((folder_ / "state").string()); }
  arm::GatewayId id = *arm::GatewayId::parse(id_text);
  const std::string resource =
      R"({ "type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": )" +
      std::string(good) + "}";
  Problems problems;
};

TEST_F(KeptConfigurationTest, WithoutADocumentThereIsNothingToCarry) {
  Configuration configuration(kept_source(), state(), activation(), random, events);
  EXPECT_EQ(configuration.load(problems), Configuration::Outcome::taken);
  EXPECT_TRUE(problems.empty());
  EXPECT_TRUE(configuration.is_kept());
  EXPECT_FALSE(configuration.applied().exists());
  EXPECT_TRUE(configuration.gateway()->listeners.empty());
}

TEST_F(KeptConfigurationTest, WhatIsAppliedIsInForceAndFoundAgain) {
  Configuration configuration(kept_source(), state(), activation(), random, events);
  ASSERT_EQ(configuration.load(problems), Configuration::Outcome::taken);
  auto candidate = configuration.consider(resource, id, false);
  ASSERT_TRUE(candidate.gateway);
  EXPECT_EQ(commits, 1) << "considering changes nothing";
  EXPECT_TRUE(configuration.apply(std::move(candidate), "test").empty());
  EXPECT_EQ(commits, 2);
  EXPECT_EQ(configuration.applied().id.to_string(), id_text);
  Configuration again(kept_source(), state(), activation(), random, events);
  ASSERT_EQ(again.load(problems), Configuration::Outcome::taken);
  EXPECT_EQ(again.applied().printed, configuration.applied().printed);
  EXPECT_EQ(again.gateway()->resource_id, id_text);
}

TEST_F(KeptConfigurationTest, AStoppedGatewayIsKeptWholeAndCarriesNothing) {
  Configuration configuration(kept_source(), state(), activation(), random, events);
  ASSERT_EQ(configuration.load(problems), Configuration::Outcome::taken);
  ASSERT_TRUE(configuration.apply(configuration.consider(resource, id, true), "test").empty());
  EXPECT_TRUE(configuration.gateway()->listeners.empty());
  Configuration again(kept_source(), state(), activation(), random, events);
  ASSERT_EQ(again.load(problems), Configuration::Outcome::taken);
  EXPECT_TRUE(again.applied().stopped);
  ASSERT_TRUE(again.apply(again.consider(again.applied().document, id, false), "test").empty());
  EXPECT_FALSE(again.gateway()->listeners.empty());
}

TEST_F(KeptConfigurationTest, WhatCannotOpenOrCannotBeKeptChangesNothing) {
  Configuration configuration(kept_source(), state(), activation(), random, events);
  ASSERT_EQ(configuration.load(problems), Configuration::Outcome::taken);
  EXPECT_FALSE(configuration.consider("{", id, false).gateway);
  refusal = {{{}, Severity::error, "AddressInUse", "taken", {}}};
  EXPECT_FALSE(configuration.apply(configuration.consider(resource, id, false), "test").empty());
  refusal.clear();
  EXPECT_TRUE(state().read(kept_document).empty());
  std::filesystem::create_directories(folder_ / "state" / kept_document / "not empty");
  const Problems unkept = configuration.apply(configuration.consider(resource, id, false), "test");
  ASSERT_EQ(unkept.size(), 1U);
  EXPECT_EQ(unkept.front().code, "CannotWriteState");
  EXPECT_EQ(commits, 1);
  EXPECT_EQ(abandoned, 1);
  EXPECT_FALSE(configuration.applied().exists());
}

}  // namespace
}  // namespace passerelle::control
