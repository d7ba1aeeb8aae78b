#include "protocol/trace_context.h"

#include <gtest/gtest.h>

#include <string>

namespace passerelle {
namespace {

const std::string id = "4bf92f3577b34da6a3ce929d0e0e4736";

TEST(TraceContext, TheTracesIdIsReadOffATraceparent) {
  EXPECT_EQ(trace_id_of("00-" + id + "-00f067aa0ba902b7-01"), id);
  EXPECT_EQ(trace_id_of("cc-" + id + "-00f067aa0ba902b7-01-what-comes-later"), id);
}

TEST(TraceContext, WhatIsNoTraceparentHasNone) {
  for (const std::string& text : {std::string(), "00-" + id, "00-" + id + "-00f067aa0ba902b7-01-more",
                                  "00-" + id + "-00f067aa0ba902b7-01x", "ff-" + id + "-00f067aa0ba902b7-01",
                                  "00-" + std::string(32, '0') + "-00f067aa0ba902b7-01",
                                  std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"),
                                  "00_" + id + "-00f067aa0ba902b7-01", std::string(200, 'a')})
    EXPECT_EQ(trace_id_of(text), "") << text;
}

}  // namespace
}  // namespace passerelle
