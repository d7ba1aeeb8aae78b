#include "model/path_pattern.h"

#include <gtest/gtest.h>

namespace passerelle::model {
namespace {

bool matches(std::string_view pattern, std::string_view path) {
  return path_matches(make_path_pattern(pattern), path);
}

TEST(PathPattern, EndsInAStarOrIsExact) {
  EXPECT_TRUE(matches("/images/*", "/images/"));
  EXPECT_TRUE(matches("/images/*", "/images/a/b.png"));
  EXPECT_FALSE(matches("/images/*", "/images"));
  EXPECT_FALSE(matches("/images/*", "/imagesX"));
  EXPECT_TRUE(matches("/images*", "/imagesX"));
  EXPECT_TRUE(matches("/images", "/images"));
  EXPECT_FALSE(matches("/images", "/images/"));
  EXPECT_TRUE(matches("/*", "/"));
}

TEST(PathPattern, IgnoresCaseAndDecodesOnce) {
  EXPECT_TRUE(matches("/Images/*", "/iMAGES/x"));
  EXPECT_TRUE(matches("/abc/def", "/abc%2Fdef"));
  EXPECT_TRUE(matches("/abc/def", "/%61bc/def"));
  EXPECT_TRUE(matches("/a%20b", "/a%20b"));
  EXPECT_FALSE(matches("/abc/def", "/abc%252Fdef"));
  EXPECT_TRUE(matches("/a%zz", "/a%zz")) << "what is no escape stands for itself";
  EXPECT_FALSE(matches("/abc", "/ab%"));
}

TEST(PathPattern, WhatAzureRefusesIsSaid) {
  for (const char* good : {"/", "/*", "/images/*", "/a-b._~!$()'+,;=:@/c"})
    EXPECT_EQ(path_pattern_error(good), "") << good;
  for (const char* bad : {"", "images", "/a*b", "/*/b", "/a b", "/a?b", "/a#b", "/a[b]", "/a|b"})
    EXPECT_NE(path_pattern_error(bad), "") << bad;
}

}  // namespace
}  // namespace passerelle::model
