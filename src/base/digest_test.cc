#include "base/digest.h"

#include <gtest/gtest.h>

namespace passerelle {
namespace {

TEST(Digest, Base64GoesThereAndBack) {
  EXPECT_EQ(to_base64(""), "");
  EXPECT_EQ(to_base64("f"), "Zg==");
  EXPECT_EQ(to_base64("fo"), "Zm8=");
  EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
  for (const std::string& text : {"", "a", "ab", "abc", "abcd"})
    EXPECT_EQ(from_base64(to_base64(text)), text);
}

TEST(Digest, Base64RefusesWhatIsNotCanonical) {
  for (const char* text : {"Zg=", "Zg", "Zh==", "Z===", "Zm9=", "Zg==Zg==", " Zg=", "Zm9v\n", "===="}) {
    EXPECT_FALSE(from_base64(text)) << text;
  }
}

TEST(Digest, Sha1IsTheStandards) {
  std::string hex;
  const auto digest = sha1("abc");
  EXPECT_EQ(to_base64({digest.data(), digest.size()}), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
}

}  // namespace
}  // namespace passerelle
