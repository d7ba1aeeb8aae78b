#include "base/json_writer.h"

#include <gtest/gtest.h>

namespace passerelle {
namespace {

TEST(JsonWriter, WritesNestedObjectsWithCommasInTheRightPlaces) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("a", 1U).key("b").begin_array().number(1).string("x").null().end_array();
  json.key("c").begin_object().end_object().member("d", true).end_object();
  EXPECT_EQ(out, R"({"a":1,"b":[1,"x",null],"c":{},"d":true})");
}

TEST(JsonWriter, NoTextCanSplitALogLineOrDriveATerminal) {
  std::string out;
  append_json_string(out, "a\r\n\x1b[31m\x7f\"\\\xc2\x9b\xff\xc3\xa9");
  EXPECT_EQ(out, "\"a\\r\\n\\u001b[31m\\u007f\\\"\\\\\\u009b\\u00ff\xc3\xa9\"");
}

}  // namespace
}  // namespace passerelle
