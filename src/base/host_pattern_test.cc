#include "base/host_pattern.h"

#include <gtest/gtest.h>

namespace passerelle {
namespace {

TEST(HostPattern, AStarIsAnyRunWithDotsAndAQuestionMarkOneCharacter) {
  EXPECT_TRUE(host_matches("www.contoso.com", "WWW.Contoso.COM"));
  EXPECT_TRUE(host_matches("*.contoso.com", "a.contoso.com"));
  EXPECT_TRUE(host_matches("*.contoso.com", "a.b.contoso.com"));
  EXPECT_FALSE(host_matches("*.contoso.com", "contoso.com"));
  EXPECT_TRUE(host_matches("*", "anything.at.all"));
  EXPECT_TRUE(host_matches("shop?.contoso.*", "shop1.contoso.co.uk"));
  EXPECT_FALSE(host_matches("shop?.contoso.com", "shop.contoso.com"));
  EXPECT_FALSE(host_matches("shop?.contoso.com", "shop12.contoso.com"));
  EXPECT_TRUE(host_matches("*a*", "bananas"));
  EXPECT_FALSE(host_matches("*ab", "aba"));
  EXPECT_FALSE(host_matches("", "a"));
  EXPECT_TRUE(host_matches("www.contoso.com", "www.contoso.com."));
  EXPECT_TRUE(host_matches("www.contoso.com.", "www.contoso.com"));
}

TEST(HostPattern, WhatAzureRefusesIsSaid) {
  for (const char* good :
       {"contoso.com", "*.contoso.com", "shop??.contoso.*", "*-test.contoso.com", "localhost"})
    EXPECT_EQ(host_pattern_error(good), "") << good;
  for (const char* bad : {"", "a b", "**.contoso.com", "*?.contoso.com", "?*.x", "*a*.contoso.com",
                          "*.*.*.com", "?????.com", "http://x", "a/b", "a:80"})
    EXPECT_NE(host_pattern_error(bad), "") << bad;
  EXPECT_NE(host_pattern_error(std::string(254, 'a')), "");
}

}  // namespace
}  // namespace passerelle
