#include "base/endpoint.h"

#include <gtest/gtest.h>

namespace passerelle {
namespace {

TEST(Endpoint, ReadsAndWritesEveryKind) {
  for (const std::string& text : {"127.0.0.1:80", "[::1]:8443", "unix:/run/a.sock", "0.0.0.0:0"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
}

TEST(Endpoint, RefusesNamesAndBrokenPorts) {
  for (const char* text :
       {"localhost:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "[::1", "[::1]80", "unix:", ""}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

TEST(IpAddress, KnowsTheLoopbackAddressesOfBothFamilies) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1"})
    EXPECT_TRUE(IpAddress::parse(text)->is_loopback()) << text;
  for (const char* text : {"126.0.0.1", "128.0.0.1", "0.0.0.0", "::", "::2", "7f00::1"})
    EXPECT_FALSE(IpAddress::parse(text)->is_loopback()) << text;
}

TEST(Endpoint, TakesTheDefaultPortWhereNoneIsWritten) {
  EXPECT_EQ(Endpoint::parse("::1", 443)->to_string(), "[::1]:443");
  EXPECT_EQ(Endpoint::parse("10.0.0.4", 80)->to_string(), "10.0.0.4:80");
}

}  // namespace
}  // namespace passerelle
