#include "protocol/url.h"

#include <gtest/gtest.h>

namespace passerelle {
namespace {

TEST(Url, IsTakenApart) {
  const auto url = parse_url("HTTPS://a.example:8443/x/y?q=1#f");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, "https");
  EXPECT_EQ(url->authority, "a.example:8443");
  EXPECT_EQ(url->host, "a.example");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->target, "/x/y?q=1");
  EXPECT_EQ(parse_url("http://a?q")->target, "/?q");
  EXPECT_EQ(parse_url("ws://[::1]")->host, "[::1]");
  EXPECT_EQ(parse_url("ws://[::1]")->port, std::nullopt);
  EXPECT_EQ(parse_url("ws://[::1]:81/")->port, 81);
}

TEST(Url, WithoutSchemeOrHostOrWithANonsensePortIsNone) {
  for (const char* text :
       {"", "a.example/x", "http://", "http://:80/", "http:///x", "http://a:b/", "http://a:65536/"})
    EXPECT_FALSE(parse_url(text)) << text;
}

TEST(Url, QueryParametersAreDecodedAndTheirNamesIgnoreCase) {
  EXPECT_EQ(query_parameter("a=1&API-Version=2024-01-01", "api-version"), "2024-01-01");
  EXPECT_EQ(query_parameter("%24expand=a%2Cb+c%2Bd", "$expand"), "a,b c+d");
  EXPECT_EQ(query_parameter("", "x"), "");
  EXPECT_EQ(query_parameters("h=1&x&h=2&H=", "h"), (std::vector<std::string>{"1", "2", ""}));
}

}  // namespace
}  // namespace passerelle
