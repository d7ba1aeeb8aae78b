#include "arm/load.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arm/inventory.h"
#include "arm/json_reader.h"
#include "arm/language/expression.h"

namespace passerelle::arm {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;

// The collections of a small HTTP gateway, as an ARM template; `%` is replaced in `properties`.
constexpr std::string_view collections = R"(
  "frontendIPConfigurations": [ { "name": "front" } ],
  "frontendPorts": [ { "name": "port80", "properties": { "port": 80 } } ],
  "httpListeners": [ { "name": "listener", "properties": { "frontendIPConfiguration": { "id": "/x/frontendIPConfigurations/front" },
    "frontendPort": { "id": "/x/frontendPorts/port80" }, "protocol": "Http" } } ],
  "backendAddressPools": [ { "name": "pool", "properties": { "backendAddresses": [ { "ipAddress": "10.0.0.4" }, { "fqdn": "app.example" } ] } } ],
  "backendHttpSettingsCollection": [ { "name": "settings", "properties": { "port": 8080, "protocol": "Http" } } ],
  "requestRoutingRules": [ { "name": "rule", "properties": { "ruleType": "Basic", "httpListener": { "id": "/x/httpListeners/listener" },
    "backendAddressPool": { "id": "/x/backendAddressPools/pool" }, "backendHttpSettings": { "id": "/x/backendHttpSettingsCollection/settings" } } } ])";

Loaded load_text(std::string text, std::string local = "{}",
                 std::vector<std::pair<std::string, std::string>> parameters = {}) {
  LoadInput input;
  input.templates.push_back({"gateway.json", std::move(text)});
  input.local = Source{"local.json", std::move(local)};
  input.parameters = std::move(parameters);
  input.environment = [](const std::string& name) {
    return name == "SECRET" ? std::optional<std::string>("s3cret") : std::nullopt;
  };
  return load(input);
}

std::string in_braces() { return "{" + std::string(collections) + "}"; }

std::vector<std::string> codes(const Problems& problems) {
  std::vector<std::string> out;
  for (const Problem& problem : problems) out.push_back(problem.code);
  return out;
}

TEST(Load, APasswordIsMaskedInWhatIsPrintedButIsNoReasonToBreakAnId) {
  LoadInput input;
  input.templates.push_back(
      {"gateway.json",
       R"({ "parameters": { "password": { "type": "securestring", "defaultValue": "rule" } }, "resources": [ { "type": "Microsoft.Network/applicationGateways",
         "name": "gw", "properties": {)" +
           std::string(collections) +
           R"(, "probes": [ { "name": "probe", "properties": { "protocol": "Http", "path": "[concat('/a/', parameters('password'))]",
         "host": "h", "interval": 30, "timeout": 30, "unhealthyThreshold": 3 } } ] } } ] })"});
  input.print = true;
  const Loaded loaded = load(input);
  EXPECT_THAT(loaded.printed, HasSubstr("\"name\": \"rule\""));
  EXPECT_THAT(loaded.printed, HasSubstr("applicationGateways/gw/httpListeners/listener"));
  EXPECT_THAT(loaded.printed, testing::Not(HasSubstr("/a/rule")));
  EXPECT_THAT(loaded.printed, HasSubstr("********"));
}

TEST(Load, TakesAResourceItsPropertiesAFlattenedOneATemplateAndAFragment) {
  const std::string inside(collections);
  for (
      const std::string& text : {
          in_braces(),
          inside,
          inside + ",",
          R"({ "type": "Microsoft.Network/applicationGateways", "name": "gw", "properties": {)" + inside +
              "} }",
          R"({ "name": "gw", "id": "/x/applicationGateways/gw", "properties": {)" + inside + "} }",
          R"({ "resources": [ { "type": "microsoft.network/ApplicationGateways", "name": "gw", "properties": {)" +
              inside + "} } ] }",
      }) {
    const auto loaded = load_text(text);
    ASSERT_TRUE(loaded.gateway) << text << loaded.problems.front().to_string();
    EXPECT_EQ(loaded.gateway->listeners.size(), 1U);
    ASSERT_EQ(loaded.gateway->groups.size(), 1U);
    EXPECT_EQ(loaded.gateway->groups[0].targets.size(), 2U);
    EXPECT_EQ(loaded.gateway->groups[0].settings.request_timeout, std::chrono::seconds(20));
  }
}

TEST(Load, FlattenedElementsAreReadWithoutTheirProperties) {
  const auto loaded = load_text(R"({ "name": "gw",
    "frontendIPConfigurations": [ { "name": "front", "privateIPAllocationMethod": "Dynamic" } ],
    "frontendPorts": [ { "name": "p", "port": 80, "etag": "x" } ],
    "httpListeners": [ { "name": "l", "frontendIPConfiguration": { "id": "/x/frontendIPConfigurations/front" }, "frontendPort": { "id": "/x/frontendPorts/p" }, "protocol": "Http", "hostNames": [], "sslCertificate": null } ],
    "backendAddressPools": [ { "name": "b", "backendAddresses": [ { "ipAddress": "10.0.0.4", "fqdn": null } ] } ],
    "backendHttpSettingsCollection": [ { "name": "s", "port": "80", "protocol": "http", "pickHostNameFromBackendAddress": "False" } ],
    "requestRoutingRules": [ { "name": "r", "ruleType": "Basic", "httpListener": { "id": "/x/httpListeners/L" }, "backendAddressPool": { "id": "/x/backendAddressPools/b" }, "backendHttpSettings": { "id": "/x/backendHttpSettingsCollection/s" } } ] })");
  ASSERT_TRUE(loaded.gateway) << loaded.problems.front().to_string();
  EXPECT_THAT(codes(loaded.problems), ElementsAre("IdCase"));
}

TEST(Load, TheLocalFilesMostExactNameWins) {
  const auto loaded = load_text(
      in_braces(),
      R"({ "backendAddresses": { "*": "127.0.0.1:1", "10.0.0.*": "127.0.0.1:2", "10.0.0.4:8080": "https://127.0.0.1:3", "app.example": "unix:/run/app.sock" } })");
  ASSERT_TRUE(loaded.gateway);
  const auto& targets = loaded.gateway->groups[0].targets;
  EXPECT_EQ(targets[0].address->to_string(), "127.0.0.1:3");
  EXPECT_TRUE(targets[0].tls);
  EXPECT_EQ(targets[1].address->to_string(), "unix:/run/app.sock");
  EXPECT_FALSE(targets[1].tls);
}

TEST(Load, WithoutAMappingAddressesAndNamesAreTheTemplatesOwn) {
  const auto loaded = load_text(in_braces());
  const auto& targets = loaded.gateway->groups[0].targets;
  EXPECT_EQ(targets[0].address->to_string(), "10.0.0.4:8080");
  EXPECT_EQ(targets[1].host, "app.example");
  EXPECT_EQ(targets[1].port, 8080);
}

TEST(Load, ParametersComeFromDefaultsFilesAndTheCommandLineInThatOrder) {
  std::string text =
      R"({ "parameters": { "port": { "type": "int", "defaultValue": 1000 }, "unused": { "type": "string" } }, "variables": { "p": "[parameters('port')]" },
    "resources": [ { "type": "Microsoft.Network/applicationGateways", "name": "[concat('g', 'w')]", "properties": {)" +
      std::string(collections) + "} } ] }";
  const auto at = text.find("8080");
  text.replace(at, 4, "\"[variables('P')]\"");
  EXPECT_EQ(load_text(text).gateway->groups[0].settings.port, 1000);
  EXPECT_EQ(load_text(text).gateway->name, "gw");
  EXPECT_EQ(load_text(text, "{}", {{"PORT", "2000"}}).gateway->groups[0].settings.port, 2000);
  const auto missing = load_text(text.replace(text.find("\"defaultValue\": 1000"), 20, "\"metadata\": {}"));
  EXPECT_FALSE(missing.gateway);
  EXPECT_THAT(missing.problems[0].message, HasSubstr("--parameters port=VALUE"));
}

TEST(Load, VariablesThatNeedEachOtherAreNamed) {
  const auto loaded =
      load_text(R"({ "variables": { "a": "[variables('b')]", "b": "[concat('x', variables('a'))]" },
    "resources": [ { "type": "Microsoft.Network/applicationGateways", "name": "[variables('a')]", "properties": {)" +
                std::string(collections) + "} } ] }");
  EXPECT_FALSE(loaded.gateway);
  EXPECT_THAT(loaded.problems[0].message, HasSubstr("variables('a') -> variables('b') -> variables('a')"));
}

TEST(Load, ALaterFileReplacesAnElementWhole) {
  LoadInput input;
  input.templates = {
      {"one.json", in_braces()},
      {"two.json",
       R"({ "backendHttpSettingsCollection": [ { "name": "SETTINGS", "properties": { "port": 81, "protocol": "Https", "requestTimeout": 5 } } ] })"}};
  const auto loaded = load(input);
  ASSERT_TRUE(loaded.gateway) << loaded.problems.front().to_string();
  EXPECT_EQ(loaded.gateway->groups[0].settings.port, 81);
  EXPECT_TRUE(loaded.gateway->groups[0].settings.https);
}

TEST(Load, AProblemKnowsItsPlaceInCharacters) {
  const auto loaded = load_text("{\n  \"é\": 1,\t\"httpListeners\": 5 }");
  EXPECT_THAT(loaded.problems, Contains(Field(&Problem::code, "InvalidRequestFormat")));
  for (const Problem& problem : loaded.problems) {
    if (problem.code != "InvalidRequestFormat") continue;
    EXPECT_EQ(problem.where.line, 2U);
    EXPECT_EQ(problem.where.column, 28U);
  }
}

TEST(Load, SeveralGatewaysAreListedAndOneIsChosen) {
  const std::string one = R"({ "type": "Microsoft.Network/applicationGateways", "name": ")";
  const std::string text = R"({ "resources": [)" + one + R"(a", "properties": {)" + std::string(collections) +
                           "} }, " + one + R"(b", "properties": {)" + std::string(collections) + "} } ] }";
  const auto both = load_text(text);
  ASSERT_FALSE(both.gateway);
  EXPECT_THAT(both.problems[0].message, HasSubstr("the gateways a, b"));
  LoadInput input;
  input.templates = {{"x", text}};
  input.gateway = "B";
  EXPECT_EQ(load(input).gateway->name, "b");
}

TEST(Load, WhatInitNeedsIsFoundWhateverElseIsWrong) {
  LoadInput input;
  input.templates = {
      {"x",
       R"({ "frontendIPConfigurations": [ { "name": "f" } ], "frontendPorts": [ { "name": "p", "properties": { "port": 80 } } ],
    "sslCertificates": [ { "name": "c" } ], "backendAddressPools": [ { "name": "b", "properties": { "backendAddresses": [ { "fqdn": "a.example" } ] } }, { "name": "empty" } ] })"}};
  const Inventory found = take_inventory(input);
  EXPECT_THAT(found.frontends, ElementsAre("f"));
  EXPECT_THAT(found.certificates, ElementsAre("c"));
  ASSERT_EQ(found.pools.size(), 2U);
  EXPECT_THAT(found.pools[0].members, ElementsAre("a.example"));
}

std::optional<JsonValue> read(std::string_view text, Problems* problems = nullptr) {
  ProblemList list({"x"});
  auto value = read_json(text, 0, list);
  if (problems != nullptr) *problems = list.take();
  return value;
}

TEST(JsonReader, TakesWhatPeopleWrite) {
  EXPECT_EQ(to_json(*read("\xef\xbb\xbf{ // comment\n \"a\" :\xc2\xa0[1, -2.5e+3, /* more */ true, null, "
                          "\"x\ny\\u00e9\\ud83d\\ude00\\/\"] }")),
            "{\"a\":[1,-2.5e+3,true,null,\"x\\ny\xc3\xa9\xf0\x9f\x98\x80/\"]}");
  Problems problems;
  EXPECT_EQ(to_json(*read("\"a\": [1,], \"b\": {\"c\": 2,},", &problems)), "{\"a\":[1],\"b\":{\"c\":2}}");
  EXPECT_THAT(codes(problems), ElementsAre("MissingBraces", "TrailingComma"));
}

TEST(JsonReader, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           "{",
                           "[1",
                           "{\"a\"}",
                           "{\"a\":}",
                           "[1 2]",
                           "[01]",
                           "[1.]",
                           "[.5]",
                           "[+1]",
                           "[tru]",
                           "\"a",
                           "[\"\\x\"]",
                           "[\"\\ud800\"]",
                           "[\"\\u12\"]",
                           "{} x",
                           "/",
                           "/* x",
                           "{\"a\":1,\"A\":2}",
                           "[,]",
                           "{,}",
                           "nul",
                           "[1,,2]"}) {
    Problems problems;
    EXPECT_FALSE(read(text, &problems)) << text;
    EXPECT_EQ(problems.size(), 1U) << text;
  }
  EXPECT_FALSE(read(std::string(1000, '[')));
}

TEST(Expression, ReadsCallsPropertiesIndexesAndQuotes) {
  EXPECT_TRUE(parse_expression("concat('it''s', parameters( 'a' ).b[0].c, -12, ns.f())"));
  for (const char* text : {"", "concat(", "concat('a'", "concat('a',)", "'a", "a", "f().", "f()[", "f()[1",
                           "f() g()", "99999999999999999999999", "-"}) {
    EXPECT_FALSE(parse_expression(text)) << text;
  }
  EXPECT_FALSE(parse_expression(std::string(500, '(')));
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "f(";
  EXPECT_FALSE(parse_expression(deep));
}

TEST(LocalAddress, ReadsEveryForm) {
  EXPECT_EQ(parse_local_address("127.0.0.1:80")->port, 80);
  EXPECT_EQ(parse_local_address("https://[::1]:443/")->host, "::1");
  EXPECT_EQ(parse_local_address("::1")->host, "::1");
  EXPECT_EQ(parse_local_address("http://localhost")->tls, false);
  EXPECT_EQ(parse_local_address("unix:/run/x")->unix_path, "/run/x");
  for (const char* text : {"", "unix:", ":80", "a:0", "a:b", "a b", "http://", "a/b", "[::1"})
    EXPECT_FALSE(parse_local_address(text)) << text;
}

}  // namespace
}  // namespace passerelle::arm
