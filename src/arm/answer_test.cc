// What a client of Azure's reads, and may send back.
#include "arm/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arm/json_reader.h"
#include "arm/load.h"

namespace passerelle::arm {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view resource_id =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw";

constexpr std::string_view gateway =
    R"({ "type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": {
  "sku": { "name": "Standard_v2", "tier": "Standard_v2", "capacity": 2 },
  "frontendIPConfigurations": [ { "name": "front" } ],
  "frontendPorts": [ { "name": "port80", "properties": { "port": 80 } } ],
  "sslCertificates": [ { "name": "cert", "properties": { "data": "QUJD", "password": "s3cret" } } ],
  "httpListeners": [ { "name": "listener", "properties": { "frontendIPConfiguration": { "id": "/x/frontendIPConfigurations/front" },
    "frontendPort": { "id": "/x/frontendPorts/PORT80" }, "protocol": "Http" } } ],
  "backendAddressPools": [ { "name": "pool", "properties": { "backendAddresses": [ { "ipAddress": "10.0.0.4" } ] } } ],
  "probes": [ { "name": "probe", "properties": { "protocol": "Http", "host": "h", "path": "/", "interval": 30, "timeout": 30, "unhealthyThreshold": 3 } } ],
  "backendHttpSettingsCollection": [ { "name": "settings", "properties": { "port": 8080, "protocol": "Http", "probe": { "id": "/x/probes/probe" } } } ],
  "urlPathMaps": [ { "name": "map", "properties": { "defaultBackendAddressPool": { "id": "/x/backendAddressPools/pool" },
    "defaultBackendHttpSettings": { "id": "/x/backendHttpSettingsCollection/settings" },
    "pathRules": [ { "name": "images", "properties": { "paths": [ "/images/*" ], "backendAddressPool": { "id": "/x/backendAddressPools/pool" },
      "backendHttpSettings": { "id": "/x/backendHttpSettingsCollection/settings" } } } ] } } ],
  "requestRoutingRules": [ { "name": "rule", "properties": { "ruleType": "PathBasedRouting", "priority": 10,
    "httpListener": { "id": "/x/httpListeners/listener" }, "urlPathMap": { "id": "/x/urlPathMaps/map" } } } ] } })";

Loaded load_text(std::string text) {
  LoadInput input;
  input.templates.push_back({"gateway.json", std::move(text)});
  input.local = Source{"local.json", R"({ "sslCertificates": { "cert": "self-signed" } })"};
  input.scope.subscription = "s";
  input.scope.resource_group = "g";
  input.print = true;
  return load(input);
}

std::string answer(std::string text) {
  const Loaded loaded = load_text(std::move(text));
  EXPECT_TRUE(loaded.gateway);
  return as_azure_answers(loaded.printed, {.resource_id = resource_id, .location = "westeurope"});
}

// "properties/frontendPorts/0/id"
std::string at(const JsonValue& value, std::string_view path) {
  const auto slash = path.find('/');
  const std::string_view step = path.substr(0, slash);
  const JsonValue* next = value.find(step);
  if (value.is(JsonValue::Kind::array)) {
    const auto index = static_cast<std::size_t>(step.front() - '0');
    next = index < value.items.size() ? &value.items[index] : nullptr;
  }
  if (next == nullptr) return "nothing";
  if (slash != std::string_view::npos) return at(*next, path.substr(slash + 1));
  return next->is_string() ? next->text : to_json(*next);
}

JsonValue parsed(std::string_view text) {
  ProblemList quiet({});
  return read_json(text, 0, quiet).value_or(JsonValue());
}

std::string id_of(std::string_view rest) { return std::string(resource_id) + "/" + std::string(rest); }

TEST(Answer, FillsInIdsTypesStatesAndEmptyCollections) {
  const JsonValue out = parsed(answer(std::string(gateway)));
  EXPECT_EQ(at(out, "id"), resource_id);
  EXPECT_EQ(at(out, "type"), "Microsoft.Network/applicationGateways");
  EXPECT_EQ(at(out, "location"), "westeurope");
  EXPECT_EQ(at(out, "properties/provisioningState"), "Succeeded");
  EXPECT_EQ(at(out, "properties/operationalState"), "Running");
  EXPECT_EQ(at(out, "properties/redirectConfigurations"), "[]");
  EXPECT_EQ(at(out, "properties/frontendPorts/0/id"), id_of("frontendPorts/port80"));
  EXPECT_EQ(at(out, "properties/frontendPorts/0/type"),
            "Microsoft.Network/applicationGateways/frontendPorts");
  EXPECT_EQ(at(out, "properties/frontendPorts/0/etag"), at(out, "etag"));
  EXPECT_EQ(at(out, "properties/frontendPorts/0/properties/provisioningState"), "Succeeded");
  EXPECT_EQ(at(out, "properties/urlPathMaps/0/properties/pathRules/0/id"),
            id_of("urlPathMaps/map/pathRules/images"));
  EXPECT_EQ(at(out, "properties/urlPathMaps/0/properties/pathRules/0/type"),
            "Microsoft.Network/applicationGateways/urlPathMaps/pathRules");
  EXPECT_EQ(at(out, "properties/httpListeners/0/properties/frontendPort/id"), id_of("frontendPorts/port80"));
}

TEST(Answer, RefersBackFromWhatIsReferredTo) {
  const JsonValue out = parsed(answer(std::string(gateway)));
  EXPECT_EQ(at(out, "properties/frontendPorts/0/properties/httpListeners/0/id"),
            id_of("httpListeners/listener"));
  EXPECT_EQ(at(out, "properties/httpListeners/0/properties/requestRoutingRules/0/id"),
            id_of("requestRoutingRules/rule"));
  EXPECT_EQ(at(out, "properties/backendAddressPools/0/properties/urlPathMaps/0/id"),
            id_of("urlPathMaps/map"));
  EXPECT_EQ(at(out, "properties/backendAddressPools/0/properties/pathRules/0/id"),
            id_of("urlPathMaps/map/pathRules/images"));
  EXPECT_EQ(at(out, "properties/probes/0/properties/backendHttpSettings/0/id"),
            id_of("backendHttpSettingsCollection/settings"));
}

TEST(Answer, HoldsNoSecret) {
  const std::string out = answer(std::string(gateway));
  EXPECT_THAT(out, Not(HasSubstr("QUJD")));
  EXPECT_THAT(out, Not(HasSubstr("s3cret")));
  EXPECT_THAT(out, Not(HasSubstr("password")));
}

TEST(Answer, SentBackIsTheSameGateway) {
  const std::string first = answer(std::string(gateway));
  const Loaded again = load_text(first);
  ASSERT_TRUE(again.gateway);
  EXPECT_EQ(as_azure_answers(again.printed, {.resource_id = resource_id, .location = "westeurope"}), first);
}

TEST(Answer, TheEtagIsOfTheContent) {
  std::string other(gateway);
  other.replace(other.find("10.0.0.4"), 8, "10.0.0.5");
  EXPECT_EQ(at(parsed(answer(std::string(gateway))), "etag"),
            at(parsed(answer(std::string(gateway))), "etag"));
  EXPECT_NE(at(parsed(answer(std::string(gateway))), "etag"), at(parsed(answer(other)), "etag"));
  EXPECT_THAT(at(parsed(answer(other)), "etag"), testing::MatchesRegex("W/\"[0-9a-f-]{36}\""));
}

}  // namespace
}  // namespace passerelle::arm
