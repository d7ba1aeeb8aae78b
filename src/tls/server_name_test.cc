// The server_name extension as bytes.
#include "tls/server_name.h"

#include <gtest/gtest.h>

#include <string>

namespace passerelle::tls {
namespace {

using namespace std::string_literals;

TEST(ServerName, IsTheHostNameOfTheList) {
  EXPECT_EQ(parse_server_name("\0\x0c\0\0\x09"
                              "a.example"s),
            "a.example");
  EXPECT_EQ(parse_server_name("\0\x10\x01\0\x01x\0\0\x09"
                              "a.example"s),
            "a.example");
}

TEST(ServerName, IsNothingWhereTheListIsEmptyCutOrLonger) {
  const std::string sound =
      "\0\x0c\0\0\x09"
      "a.example"s;
  for (std::size_t size = 0; size < sound.size(); ++size)
    EXPECT_FALSE(parse_server_name(sound.substr(0, size))) << size;
  EXPECT_FALSE(parse_server_name(sound + "x"));
  EXPECT_FALSE(parse_server_name("\0\0"s));
  EXPECT_FALSE(parse_server_name("\0\x03\0\0\0"s));
  EXPECT_FALSE(parse_server_name("\0\x04\0\0\x01\0"s));
}

}  // namespace
}  // namespace passerelle::tls
