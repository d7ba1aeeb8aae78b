// What passes the gate is what came, less the answers to our pings, and never a byte of what is refused.
#include "protocol/websocket/frame_gate.h"

#include <gtest/gtest.h>

#include "protocol/cut_test_support.h"
#include "protocol/websocket/frame.h"

namespace passerelle::websocket {
namespace {

using testing_support::for_every_cut;

constexpr BytesView ping = "12345678";

std::string frame(Opcode opcode, BytesView payload, bool fin = true) {
  std::string out;
  append_frame(out, opcode, payload, fin);
  return out;
}
std::string masked(Opcode opcode, BytesView payload) {
  std::string out;
  append_masked_frame(out, opcode, payload, 0x5a1ec3f7);
  return out;
}

struct Result {
  std::string out;
  std::uint64_t messages = 0;
  int answers = 0;
  FrameGate::Verdict verdict = FrameGate::Verdict::fine;
};
Result run(const std::vector<std::string_view>& pieces, std::optional<std::uint64_t> most = {}) {
  Result result;
  FrameGate gate;
  for (const auto piece : pieces) {
    const auto passed = gate.pass(piece, result.out, most, result.answers == 0 ? ping : BytesView());
    result.messages += passed.messages;
    result.answers += passed.answered ? 1 : 0;
    if (passed.verdict != FrameGate::Verdict::fine) result.verdict = passed.verdict;
    BinaryWriter saved;
    gate.save(saved);
    BinaryReader reader(saved.bytes());
    gate = FrameGate::restored(reader);
    EXPECT_TRUE(reader.complete());
  }
  return result;
}

TEST(FrameGate, TakesTheAnswerToOurPingAndNothingElse) {
  const std::string before = frame(Opcode::text, "hello", false) + masked(Opcode::pong, "87654321") +
                             masked(Opcode::pong, "1234567") + masked(Opcode::ping, ping);
  const std::string after =
      frame(Opcode::continuation, std::string(300, 'x')) + masked(Opcode::pong, "later on");
  for (const auto& answer : {frame(Opcode::pong, ping), masked(Opcode::pong, ping)}) {
    for_every_cut(before + answer + after, [&](const auto& pieces) {
      const Result result = run(pieces);
      EXPECT_EQ(result.out, before + after);
      EXPECT_EQ(result.answers, 1);
      EXPECT_EQ(result.messages, 1U);
    });
  }
}

TEST(FrameGate, ShutsBeforeAFrameThatMakesAMessageTooLong) {
  const std::string fine = frame(Opcode::text, "1234567890") + frame(Opcode::text, "12345", false) +
                           frame(Opcode::ping, "?") + frame(Opcode::continuation, "", false);
  for (const auto& over :
       {frame(Opcode::continuation, "678901"), std::string("\x00\x7f\x00\x00\x01\x00\x00\x00\x00\x00", 10)}) {
    for_every_cut(fine + over + frame(Opcode::text, "more"), [&](const auto& pieces) {
      const Result result = run(pieces, 10);
      EXPECT_EQ(result.out, fine);
      EXPECT_EQ(result.verdict, FrameGate::Verdict::message_too_long);
    });
  }
  EXPECT_EQ(run({fine}, 10).verdict, FrameGate::Verdict::fine);
}

TEST(FrameGate, WhatIsNoWebSocketPassesAsItIs) {
  const std::string text = "GET / HTTP/1.1\r\nHost: somewhere else\r\n\r\n";
  for_every_cut(text, [&](const auto& pieces) { EXPECT_EQ(run(pieces, 1).out, text); });
}

}  // namespace
}  // namespace passerelle::websocket
