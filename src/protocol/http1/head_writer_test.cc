#include "protocol/http1/head_writer.h"

#include <gtest/gtest.h>

#include "protocol/http1/characters.h"
#include "protocol/http1/head_parser.h"

namespace passerelle::http1 {
namespace {

MessageHead parsed(std::string_view text) {
  MessageHead head;
  EXPECT_TRUE(HeadParser(HeadKind::request).feed(text, Limits(), head));
  return head;
}

std::string written(const MessageHead& head) {
  std::string out;
  append_request_head(out, head);
  return out;
}

TEST(HeadWriter, WritesWhatItReadAsItStood) {
  constexpr std::string_view text =
      "GET /a HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX-Empty:\r\nX-Last: 1\r\n\r\n";
  EXPECT_EQ(written(parsed(text)),
            "GET /a HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX-Empty: \r\nX-Last: 1\r\n\r\n");
}

TEST(HeadWriter, WritesEachFieldWithOneBlankHoweverItCame) {
  EXPECT_EQ(written(parsed("GET / HTTP/1.1\r\nHost:a\r\nB:  b \t\r\nC: c\r\n\r\n")),
            "GET / HTTP/1.1\r\nHost: a\r\nB: b\r\nC: c\r\n\r\n");
}

TEST(HeadWriter, LeavesOutWhatWasTakenOut) {
  MessageHead head = parsed("GET / HTTP/1.1\r\nHost: a\r\nB: b\r\nC: c\r\nD: d\r\n\r\n");
  head.remove("b");
  head.remove("d");
  head.set("c", "other");
  head.add("E", "e");
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nHost: a\r\nC: other\r\nE: e\r\n\r\n");
}

TEST(HeadWriter, WritesInTheOrderOfTheFields) {
  MessageHead head = parsed("GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n");
  std::swap(head.fields[0], head.fields[2]);
  EXPECT_EQ(written(head), "GET / HTTP/1.1\r\nC: 3\r\nB: 2\r\nA: 1\r\n\r\n");
}

TEST(CharacterClasses, AValueIsJudgedTheSameEightAtATimeAndOneByOne) {
  for (int c = 0; c < 256; ++c) {
    for (std::size_t at = 0; at < 17; ++at) {
      std::string value(17, 'v');
      value[at] = static_cast<char>(c);
      EXPECT_EQ(is_field_value(value), all(value, value_character)) << c << " at " << at;
    }
  }
}

}  // namespace
}  // namespace passerelle::http1
