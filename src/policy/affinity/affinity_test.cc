#include "policy/affinity/affinity.h"

#include <gtest/gtest.h>

namespace passerelle::policy {
namespace {

MessageHead request_with(std::string_view cookies) {
  MessageHead out;
  out.set_request("GET", "/");
  out.add("Cookie", cookies);
  return out;
}

TEST(Affinity, AValueIsTheSameForTheSameKeyAndTellsNothing) {
  const std::string value = affinity_value("key", "10.0.0.4|80");
  EXPECT_EQ(value.size(), 32U);
  EXPECT_EQ(value, affinity_value("key", "10.0.0.4|80"));
  EXPECT_NE(value, affinity_value("key", "10.0.0.5|80"));
  EXPECT_NE(value, affinity_value("other", "10.0.0.4|80"));
}

TEST(Affinity, IsAskedByEitherCookieAndTheFirstOfItsName) {
  EXPECT_EQ(affinity_asked(request_with("a=1; A=2; b=3"), "A"), "2");
  EXPECT_EQ(affinity_asked(request_with("xA=1;ACORS=2"), "A"), "2");
  EXPECT_EQ(affinity_asked(request_with("ACORS=2; A=1; A=3"), "A"), "1");
  EXPECT_EQ(affinity_asked(request_with("A"), "A"), "");
  EXPECT_FALSE(affinity_asked(request_with("; ;=; A B=1"), "A"));
}

}  // namespace
}  // namespace passerelle::policy
