#include "policy/decision/route.h"

#include <gtest/gtest.h>

#include "policy/decision/redirect.h"

namespace passerelle::policy {
namespace {

// One HTTP frontend with a listener and a rule a host list, in the order given; one HTTPS frontend behind it.
model::Gateway make_gateway(const std::vector<std::vector<std::string>>& hosts) {
  model::Gateway out;
  out.frontends.push_back({"front:80", {}, 80, false, {}, {}, {}});
  out.frontends.push_back({"front:443", {}, 443, true, {}, {}, {}});
  for (const auto& names : hosts) {
    const model::Index i = out.listeners.size();
    out.listeners.push_back({"listener" + std::to_string(i), 0, names, {}, i, {}});
    model::Rule rule;
    rule.name = "rule" + std::to_string(i);
    rule.listener = i;
    rule.otherwise = {out.destinations++, 0, {}};
    out.rules.push_back(rule);
    out.frontends[0].listeners.push_back(i);
  }
  model::build_indexes(out);
  return out;
}

std::string listener(const model::Gateway& gateway, std::string_view host) {
  const Route found = route(gateway, 0, {host, "/"});
  return found.listener == nullptr ? "nobody" : found.listener->name;
}

TEST(Route, TheFirstListenerInOrderThatIsForTheHostTakesIt) {
  const auto gateway = make_gateway({{"www.contoso.com"}, {"*.contoso.com", "fabrikam.com"}, {}});
  EXPECT_EQ(listener(gateway, "WWW.contoso.com"), "listener0");
  EXPECT_EQ(listener(gateway, "a.b.contoso.com"), "listener1");
  EXPECT_EQ(listener(gateway, "fabrikam.com"), "listener1");
  EXPECT_EQ(listener(gateway, "other"), "listener2");
}

TEST(Route, ABasicListenerAheadOfOthersTakesEverything) {
  EXPECT_EQ(listener(make_gateway({{}, {"www.contoso.com"}}), "www.contoso.com"), "listener0");
}

TEST(Route, WithoutAListenerForTheHostThereIsNone) {
  const auto gateway = make_gateway({{"www.contoso.com"}});
  std::vector<Considered> considered;
  const Route found = route(gateway, 0, {"other", "/"}, &considered);
  EXPECT_EQ(found.listener, nullptr);
  EXPECT_EQ(found.to, nullptr);
  ASSERT_EQ(considered.size(), 1U);
  EXPECT_EQ(considered[0].reason, "the host other is none of www.contoso.com");
}

TEST(Route, TheFirstPathThatMatchesDecidesNotTheLongest) {
  auto gateway = make_gateway({{}});
  model::Rule& rule = gateway.rules[0];
  rule.path_rules.push_back({"images", {model::make_path_pattern("/images*")}, {1, 1, {}}});
  rule.path_rules.push_back(
      {"deep", {model::make_path_pattern("/x"), model::make_path_pattern("/images/deep/*")}, {2, 2, {}}});
  model::build_indexes(gateway);
  EXPECT_EQ(route(gateway, 0, {"a", "/images/deep/b"}).path_rule->name, "images");
  EXPECT_EQ(route(gateway, 0, {"a", "/X"}).to->id, 2U);
  EXPECT_EQ(route(gateway, 0, {"a", "/else"}).to->id, 0U);
  EXPECT_EQ(route(gateway, 0, {"a", "/else"}).path_rule, nullptr);
}

struct RedirectCase {
  bool to_listener, path, query;
  std::string url, location;
};

TEST(Redirect, KeepsPathAndQueryAsToldAndSendsThePortThatIsBound) {
  auto gateway = make_gateway({{}});
  gateway.listeners.push_back({"secure", 1, {}, {}, {}, {}});
  for (const RedirectCase& each : {
           RedirectCase{true, true, true, "", "https://a.example:8443/p/q?x=1"},
           RedirectCase{true, true, false, "", "https://a.example:8443/p/q"},
           RedirectCase{true, false, true, "", "https://a.example:8443/?x=1"},
           RedirectCase{true, false, false, "", "https://a.example:8443/"},
           RedirectCase{false, true, true, "https://other.example", "https://other.example/p/q?x=1"},
           RedirectCase{false, true, true, "https://other.example/", "https://other.example/p/q?x=1"},
           RedirectCase{false, true, true, "https://other.example/own", "https://other.example/own?x=1"},
           RedirectCase{false, false, true, "https://other.example/own?y=2",
                        "https://other.example/own?y=2&x=1"},
           RedirectCase{false, false, false, "https://other.example/own", "https://other.example/own"},
       }) {
    model::Redirect redirect{"r", 302, {}, each.url, each.path, each.query};
    if (each.to_listener) redirect.listener = 1;
    EXPECT_EQ(redirect_location(gateway, redirect, {"a.example", "/p/q", "x=1", 8443}), each.location);
  }
  gateway.listeners[1].host_names = {"secure.example"};
  const model::Redirect redirect{"r", 301, 1, "", true, true};
  EXPECT_EQ(redirect_location(gateway, redirect, {"a.example", "*", "", 443}), "https://secure.example/");
  EXPECT_EQ(redirect_location(gateway, redirect, {"a.example", "/p", "", 443}), "https://secure.example/p");
}

}  // namespace
}  // namespace passerelle::policy
