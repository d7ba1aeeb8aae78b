// What becomes of live tunnels under another configuration, and what is a change.
#include "control/behaviour.h"

#include <gtest/gtest.h>

namespace passerelle::control {
namespace {

using std::chrono::seconds;

model::Gateway gateway_with(std::vector<std::string> members, bool update_drains = false) {
  model::Gateway out;
  out.options.update_drains_tunnels = update_drains;
  model::BackendGroup group{"pool", "settings", {}, {}};
  for (const std::string& address : members) {
    model::Target target;
    target.name = address.substr(0, address.find(':'));
    target.address = Endpoint::parse(address);
    group.targets.push_back(target);
  }
  out.groups.push_back(group);
  return out;
}

MemberTunnels at(const std::string& address, std::uint64_t tunnels, bool here = true) {
  return {"pool", "settings", address.substr(0, address.find(':')), address, false, here, tunnels};
}

TEST(TunnelsAfter, CountsThoseAtMembersThatLeaveAndHowLongTheyDrain) {
  const auto next = gateway_with({"10.0.0.1:80"});
  const auto after =
      tunnels_after({at("10.0.0.1:80", 5), at("10.0.0.2:80", 7)}, {{"settings", seconds(60)}}, next);
  EXPECT_EQ(after.open, 12U);
  ASSERT_EQ(after.leaving.size(), 1U);
  EXPECT_EQ(after.leaving[0].of.tunnels, 7U);
  EXPECT_EQ(after.leaving[0].over, seconds(60));
  EXPECT_TRUE(after.ended_by_update.empty());
}

TEST(TunnelsAfter, WhereSettingsDoNotDrainTheyStay) {
  const auto after = tunnels_after({at("10.0.0.2:80", 7)}, {}, gateway_with({"10.0.0.1:80"}));
  ASSERT_EQ(after.leaving.size(), 1U);
  EXPECT_EQ(after.leaving[0].over, std::nullopt);
}

TEST(TunnelsAfter, AnotherPortIsAnotherMemberAndWhoLeftBeforeDoesNotLeaveAgain) {
  const auto next = gateway_with({"10.0.0.1:81"});
  EXPECT_EQ(tunnels_after({at("10.0.0.1:80", 1)}, {}, next).leaving.size(), 1U);
  EXPECT_EQ(tunnels_after({at("10.0.0.1:80", 1, false)}, {{"settings", seconds(9)}}, next).leaving.size(),
            0U);
}

TEST(TunnelsAfter, AzuresWayEndsAllAfterTheTimeOfTheirSettings) {
  const auto next = gateway_with({"10.0.0.1:80"}, true);
  EXPECT_EQ(tunnels_after({at("10.0.0.1:80", 4)}, {{"settings", seconds(9)}}, next).ended_by_update,
            (std::map<seconds, std::uint64_t>{{seconds(9), 4}}));
  EXPECT_EQ(tunnels_after({at("10.0.0.1:80", 4)}, {}, next).ended_by_update,
            (std::map<seconds, std::uint64_t>{{seconds(30), 4}}));
}

TEST(Behaviour, ChangesAreTheSubjectsAndPropertiesThatDiffer) {
  const Behaviour before = {{"rule a", {{"listener", "x"}, {"priority", "1"}}},
                            {"rule b", {{"listener", "y"}}}};
  const Behaviour after = {{"rule a", {{"listener", "z"}, {"everything", "p"}}},
                           {"rule c", {{"listener", "y"}}}};
  const std::vector<BehaviourChange> expected = {{"rule a", "listener", "x", "z"},
                                                 {"rule a", "priority", "1", std::nullopt},
                                                 {"rule a", "everything", std::nullopt, "p"},
                                                 {"rule b", "", "here", std::nullopt},
                                                 {"rule c", "", std::nullopt, "here"}};
  EXPECT_EQ(compare(before, after), expected);
  EXPECT_TRUE(compare(before, before).empty());
}

}  // namespace
}  // namespace passerelle::control
