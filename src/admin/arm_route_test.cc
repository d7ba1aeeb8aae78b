#include "admin/arm_route.h"

#include <gtest/gtest.h>

#include <set>

#include "admin/operations.h"

namespace passerelle::admin {
namespace {

TEST(ArmRoute, FindsTheGatewayWhateverTheCase) {
  const auto route = ArmRoute::parse(
      "/Subscriptions/S1/resourcegroups/my%28group%29/PROVIDERS/microsoft.network/applicationgateways/gw");
  ASSERT_TRUE(route);
  EXPECT_EQ(route->kind, ArmKind::gateway);
  EXPECT_EQ(route->id.subscription, "S1");
  EXPECT_EQ(route->id.resource_group, "my(group)");
  EXPECT_EQ(route->id.name, "gw");
}

TEST(ArmRoute, TellsActionsOperationsAndListsApart) {
  const std::string gateway =
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw";
  EXPECT_EQ(ArmRoute::parse(gateway + "/start")->kind, ArmKind::start);
  EXPECT_EQ(ArmRoute::parse(gateway + "/getBackendHealthOnDemand")->method(), "POST");
  const auto operation =
      ArmRoute::parse("/subscriptions/s/providers/Microsoft.Network/locations/westeurope/operations/1234");
  EXPECT_EQ(operation->kind, ArmKind::operation_status);
  EXPECT_EQ(operation->item, "1234");
  EXPECT_EQ(ArmRoute::parse("/subscriptions/s/providers/Microsoft.Network/applicationGateways")->kind,
            ArmKind::gateways_of_subscription);
}

TEST(ArmRoute, KnowsNoOtherPath) {
  for (const std::string_view path :
       {"", "/", "/subscriptions", "/subscriptions/s",
        "/subscriptions//providers/Microsoft.Network/applicationGateways",
        "/subscriptions/s/providers/Microsoft.Compute/virtualMachines",
        "/subscriptions/a%0d%0aX-Evil:1/providers/Microsoft.Network/applicationGateways",
        "/subscriptions/a%2fb/providers/Microsoft.Network/applicationGateways",
        "/subscriptions/%ff/providers/Microsoft.Network/applicationGateways",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw/start/again"})
    EXPECT_FALSE(ArmRoute::parse(path)) << path;
}

TEST(ArmRoute, VersionsAreDates) {
  EXPECT_TRUE(is_api_version("2024-01-01"));
  EXPECT_TRUE(is_api_version("2016-09-01-preview"));
  for (const std::string_view text : {"", "2024", "2024-1-1", "2024-01-01x", "abcd-ef-gh"})
    EXPECT_FALSE(is_api_version(text)) << text;
}

TEST(ArmRoute, NamesOfGatewaysAreAzures) {
  EXPECT_TRUE(is_gateway_name("gw_1.a-b"));
  EXPECT_TRUE(is_gateway_name("g"));
  for (const std::string& name : {std::string(), std::string("-a"), std::string("a."), std::string("a-"),
                                  std::string("a b"), std::string("a/b"), std::string(81, 'a')})
    EXPECT_FALSE(is_gateway_name(name)) << name;
}

TEST(Operations, OnlyTheLastOnesAreKnown) {
  SeededRandom random(1);
  Operations operations(random);
  std::set<std::string> ids;
  const std::string first = operations.begin(WallTime{}).id;
  for (std::size_t i = 1; i < Operations::kept_max; ++i) ids.insert(operations.begin(WallTime{}).id);
  EXPECT_NE(operations.find(first), nullptr);
  ids.insert(operations.begin(WallTime{}).id);
  EXPECT_EQ(operations.find(first), nullptr);
  for (const std::string& id : ids) {
    ASSERT_NE(operations.find(id), nullptr);
    EXPECT_EQ(id.size(), 36U);
    EXPECT_EQ(id[14], '4');
  }
}

TEST(Operations, TheirResultsAreBoundedTogether) {
  SeededRandom random(1);
  Operations operations(random);
  const std::string under_way = operations.begin(WallTime{}).id;
  std::vector<std::string> ids;
  for (int i = 0; i < 20; ++i) {
    ids.push_back(operations.begin(WallTime{}).id);
    operations.end(ids.back(), Operation::State::succeeded, {200, {}, std::string(mebibyte, 'x'), {}}, {},
                   WallTime{});
  }
  EXPECT_NE(operations.find(under_way), nullptr) << "what is not over is not forgotten";
  EXPECT_NE(operations.find(ids.back()), nullptr);
  operations.end(under_way, Operation::State::succeeded, {}, {}, WallTime{});
  operations.end(operations.begin(WallTime{}).id, Operation::State::succeeded, {}, {}, WallTime{});
  std::size_t bytes = 0;
  for (const std::string& id : ids) bytes += operations.find(id) != nullptr ? mebibyte : 0;
  EXPECT_LE(bytes, Operations::results_bytes_max);
  EXPECT_GT(bytes, 0U);
}

}  // namespace
}  // namespace passerelle::admin
