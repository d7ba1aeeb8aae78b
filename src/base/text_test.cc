#include "base/text.h"

#include <gtest/gtest.h>

#include <array>

namespace passerelle {
namespace {

TEST(Text, DecimalNumbersTakeDigitsOnlyAndRefuseOverflow) {
  EXPECT_EQ(parse_decimal<std::uint16_t>("65535"), 65535);
  EXPECT_FALSE(parse_decimal<std::uint16_t>("65536"));
  EXPECT_FALSE(parse_decimal<std::uint32_t>("+1"));
  EXPECT_FALSE(parse_decimal<std::uint32_t>("-1"));
  EXPECT_FALSE(parse_decimal<std::uint32_t>(" 1"));
  EXPECT_FALSE(parse_decimal<std::uint32_t>("1 "));
  EXPECT_FALSE(parse_decimal<std::uint32_t>(""));
  EXPECT_FALSE(parse_decimal<std::uint32_t>("0x1"));
}

TEST(Text, GlobsMatchAnyRunAndIgnoreCase) {
  EXPECT_TRUE(glob_matches("*", ""));
  EXPECT_TRUE(glob_matches("*.contoso.com", "A.B.Contoso.com"));
  EXPECT_FALSE(glob_matches("*.contoso.com", "contoso.com"));
  EXPECT_TRUE(glob_matches("a*b*c", "aXbYbZc"));
  EXPECT_FALSE(glob_matches("a*b*c", "aXbYbZ"));
}

TEST(Text, ListsAreSplitAtCommasAndTrimmed) {
  EXPECT_TRUE(list_has_token("keep-alive, \tUpgrade", "upgrade"));
  EXPECT_FALSE(list_has_token("keep-alive, Upgraded", "upgrade"));
  EXPECT_FALSE(list_has_token(", ,", ""));
}

TEST(Text, ASlipOfThePenFindsItsWord) {
  const std::array<std::string_view, 2> words = {"backendPools", "frontendPorts"};
  EXPECT_EQ(nearest_word("backendPool", words), "backendPools");
  EXPECT_EQ(nearest_word("zebra", words), "");
}

TEST(Utf8, EndsWhereABytesIsNone) {
  EXPECT_EQ(utf8_prefix("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), 14U);
  EXPECT_EQ(utf8_prefix("a\xe5"
                        "b"),
            1U);
  EXPECT_EQ(utf8_prefix("ab\xc3"), 2U);
  for (const char* bad :
       {"\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"})
    EXPECT_EQ(utf8_prefix(bad), 0U);
}

}  // namespace
}  // namespace passerelle
