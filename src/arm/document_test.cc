#include "arm/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "arm/json_reader.h"
#include "arm/language/values.h"

namespace passerelle::arm {
namespace {

using testing::HasSubstr;
using testing::Not;

const GatewayId id{"s", "g", "gw"};
constexpr std::string_view before =
    R"({"name": "gw", "properties": {"sslCertificates": [{"name": "Site", "properties": {"data": "QUJD", "password": "word"}},
        {"name": "vault", "properties": {"data": "REVG"}}],
        "trustedRootCertificates": [{"name": "root", "properties": {"data": "Um9vdA=="}}]}})";

std::string put(std::string_view body) {
  return document_of({body, id, "2024-01-01", before}).value_or("refused");
}

JsonValue parsed(std::string_view text) {
  ProblemList quiet({});
  return read_json(text, 0, quiet).value_or(JsonValue());
}

TEST(Document, AnIdIsTakenApartWhateverItsCase) {
  const auto got = GatewayId::parse(
      "/SUBSCRIPTIONS/s/resourcegroups/g/providers/microsoft.network/APPLICATIONGATEWAYS/gw");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->is({"S", "G", "GW"}));
  EXPECT_FALSE(got->is({"S", "G", "other"}));
  EXPECT_EQ(GatewayId::parse(id.to_string())->to_string(), id.to_string());
  for (const std::string_view wrong :
       {"", "/", "/subscriptions/s", "/subscriptions/s/resourceGroups/g/providers/X/applicationGateways/gw",
        "/subscriptions//resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw",
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/gw/more"})
    EXPECT_FALSE(GatewayId::parse(wrong)) << wrong;
}

TEST(Document, ThePathOfAPutWinsOverItsBody) {
  const JsonValue out = parsed(put(R"({"name": "other", "id": "/x", "properties": {}, "tags": {"a": "b"}})"));
  EXPECT_EQ(out.find("name")->text, "gw");
  EXPECT_EQ(out.find("id")->text, id.to_string());
  EXPECT_EQ(out.find("apiVersion")->text, "2024-01-01");
  EXPECT_EQ(out.find("tags")->find("a")->text, "b");
}

TEST(Document, ACertificateNamedWithoutItsDataKeepsIt) {
  for (const std::string_view properties :
       {"", R"(, "properties": {})", R"(, "properties": {"data": ""})",
        R"(, "properties": {"publicCertData": "x", "data": "********"})"}) {
    const std::string out =
        put(R"({"properties": {"sslCertificates": [{"name": "site")" + std::string(properties) + "}]}}");
    EXPECT_THAT(out, HasSubstr("\"data\": \"QUJD\"")) << properties;
    EXPECT_THAT(out, HasSubstr("\"password\": \"word\"")) << properties;
  }
  EXPECT_THAT(put(R"({"properties": {"trustedRootCertificates": [{"name": "root"}]}})"),
              HasSubstr("Um9vdA=="));
}

TEST(Document, ACertificateThatIsGivenAnewIsNotMixedWithTheOldOne) {
  const std::string out = put(
      R"({"properties": {"sslCertificates": [{"name": "site", "properties": {"data": "WFla"}},
          {"name": "vault", "properties": {"keyVaultSecretId": "https://v"}}, {"name": "third"}]}})");
  EXPECT_THAT(out, HasSubstr("WFla"));
  EXPECT_THAT(out, Not(HasSubstr("word")));
  EXPECT_THAT(out, Not(HasSubstr("REVG")));
}

TEST(Document, WhatIsNoResourceIsRefusedWithASentence) {
  for (const std::string_view body :
       {"", "{", "[]", "7", "{}", R"({"properties": 1})", R"({"properties": {}, "tags": []})",
        R"({"properties": {}, "tags": {"a": {}}})", "{\"properties\": {}} // comment"}) {
    const auto out = document_of({body, id, "2024-01-01", {}});
    ASSERT_FALSE(out) << body;
    EXPECT_FALSE(out.error().empty());
  }
}

TEST(Document, TagsChangeAndNothingElse) {
  const std::string out = with_tags(before, R"({"tags": {"new": "tag"}})").value_or("refused");
  JsonValue changed = parsed(out);
  EXPECT_EQ(changed.find("tags")->find("new")->text, "tag");
  std::erase_if(changed.members, [](const JsonMember& member) { return member.key == "tags"; });
  EXPECT_TRUE(equal(changed, parsed(before)));
  EXPECT_EQ(parsed(with_tags(out, R"({"tags": null})").value_or("")).find("tags")->members.size(), 0U);
  EXPECT_FALSE(with_tags(before, "{}"));
}

TEST(Document, AMarkIsReadAsItWasWritten) {
  EXPECT_FALSE(mark_of(before));
  EXPECT_FALSE(mark_of("{"));
  const std::string stopped = marked(before, id, true);
  ASSERT_TRUE(mark_of(stopped));
  EXPECT_TRUE(mark_of(stopped)->stopped);
  EXPECT_TRUE(mark_of(stopped)->id.is(id));
  EXPECT_FALSE(mark_of(marked(stopped, id, false))->stopped);
}

}  // namespace
}  // namespace passerelle::arm
