// Names followed through DNS, under a clock that jumps: TTLs, failures, several addresses.
#include "proxy/backend_directory.h"

#include <gtest/gtest.h>

#include <deque>

#include "io/simulated_engine.h"

namespace passerelle::proxy {
namespace {

using std::chrono::seconds;

// Answers from a list; the last one for ever. Notes when it was asked.
class ScriptedResolver final : public io::Resolver {
 public:
  explicit ScriptedResolver(io::Engine& engine) : engine_(engine) {}
  void resolve(const std::string&, Done done) override {
    asked.push_back(engine_.now());
    const auto answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    done(answer);
  }
  std::deque<Result<io::Resolution>> answers;
  std::vector<TimePoint> asked;

 private:
  io::Engine& engine_;
};

io::Resolution addresses(std::initializer_list<const char*> texts, seconds ttl) {
  io::Resolution out;
  for (const char* text : texts) out.addresses.push_back(*IpAddress::parse(text));
  out.ttl = ttl;
  return out;
}

model::Gateway gateway_of(const char* host) {
  model::Gateway gateway;
  model::BackendGroup group{"pool", "settings", {}, {}};
  model::Target target;
  target.name = target.host = host;
  target.port = 8080;
  group.targets.push_back(target);
  gateway.groups.push_back(group);
  return gateway;
}

class BackendDirectoryTest : public testing::Test {
 protected:
  // The members' addresses `after` so long.
  std::vector<std::string> members_after(seconds after) {
    group_.spawn(stop_after(after));
    engine.run();
    std::vector<std::string> out;
    const auto groups = directory.groups(gateway);
    for (const auto& member : groups[0].members) out.push_back(member->address);
    return out;
  }
  io::Task<> stop_after(seconds after) {
    (void)co_await engine.sleep({engine.now() + after, nullptr});
    engine.stop();
  }
  io::Task<> finish() {
    co_await directory.stop();
    engine.stop();
  }
  void TearDown() override {
    group_.spawn(finish());
    engine.run();
  }

  io::SimulatedClock clock;
  SeededRandom random{3};
  io::SimulatedEngine engine{clock, random};
  telemetry::EventLog events{clock, telemetry::Level::error, false,
                             std::make_shared<telemetry::LineSink>(2, "")};
  ScriptedResolver resolver{engine};
  int changes = 0;
  BackendDirectory directory{engine, resolver, events, [this] { ++changes; }};
  model::Gateway gateway = gateway_of("app.example");
  io::TaskGroup group_{engine};
};

using Addresses = std::vector<std::string>;

TEST_F(BackendDirectoryTest, EveryAddressIsAMemberAndTheTtlIsFollowed) {
  resolver.answers = {addresses({"10.0.0.1", "10.0.0.2"}, seconds(20)),
                      addresses({"10.0.0.2", "10.0.0.3"}, seconds(20))};
  directory.set_gateway(gateway);
  EXPECT_EQ(members_after(seconds(1)), (Addresses{"10.0.0.1:8080", "10.0.0.2:8080"}));
  const auto kept = directory.groups(gateway)[0].members[1];
  EXPECT_EQ(members_after(seconds(17)).size(), 2U);
  EXPECT_EQ(resolver.asked.size(), 1U);
  EXPECT_EQ(members_after(seconds(5)), (Addresses{"10.0.0.2:8080", "10.0.0.3:8080"}));
  EXPECT_EQ(directory.groups(gateway)[0].members[0], kept) << "an address that stays is the same member";
  EXPECT_EQ(changes, 2);
}

TEST_F(BackendDirectoryTest, TheLastGoodAnswerIsKeptOnFailureAndAskedForAgainSoon) {
  resolver.answers = {addresses({"10.0.0.1"}, seconds(1)), fail(ErrorKind::unreachable, "no answer"),
                      fail(ErrorKind::unreachable, "no answer"), addresses({"10.0.0.9"}, seconds(300))};
  directory.set_gateway(gateway);
  EXPECT_EQ(members_after(seconds(4)), (Addresses{"10.0.0.1:8080"}));
  EXPECT_EQ(members_after(seconds(12)), (Addresses{"10.0.0.9:8080"}));
}

TEST_F(BackendDirectoryTest, ANameThatIsUsedNoMoreIsAskedForNoMore) {
  resolver.answers = {addresses({"10.0.0.1"}, seconds(5))};
  directory.set_gateway(gateway);
  (void)members_after(seconds(1));
  directory.set_gateway(model::Gateway{});
  (void)members_after(seconds(60));
  const auto asked = resolver.asked.size();
  (void)members_after(seconds(60));
  EXPECT_EQ(resolver.asked.size(), asked);
  directory.set_gateway(gateway);
  EXPECT_EQ(members_after(seconds(1)), (Addresses{"10.0.0.1:8080"}));
}

}  // namespace
}  // namespace passerelle::proxy
