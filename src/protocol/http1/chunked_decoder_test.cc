#include "protocol/http1/chunked_decoder.h"

#include <gtest/gtest.h>

#include "protocol/cut_test_support.h"

namespace passerelle::http1 {
namespace {

using testing_support::for_every_cut;

struct Outcome {
  bool refused = false;
  bool finished = false;
  std::string data, rest, trailers;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome decode(const std::vector<std::string_view>& pieces) {
  ChunkedDecoder decoder;
  MessageHead trailers;
  Outcome out;
  for (auto piece : pieces) {
    while (!piece.empty() && !out.finished) {
      const auto step = decoder.next(piece, {}, trailers);
      if (!step) return {true, false, {}, {}, {}};
      out.data += step->data;
      out.finished = step->finished;
      piece.remove_prefix(step->consumed);
    }
    if (out.finished) out.rest += piece;
  }
  for (const auto& field : trailers.fields)
    out.trailers += std::string(trailers.name(field)) + "=" + std::string(trailers.value(field)) + ";";
  return out;
}

Outcome decode_cut_anywhere(std::string_view input) {
  const Outcome whole = decode({input});
  for_every_cut(input, [&](const auto& pieces) { EXPECT_EQ(decode(pieces), whole) << input; });
  return whole;
}

TEST(ChunkedDecoder, ReadsChunksExtensionsAndTrailersAndLeavesWhatFollows) {
  const auto out =
      decode_cut_anywhere("5\r\nhello\r\n6;a=\"b\"\r\n world\r\n000\r\nX: 1\r\nY: 2\r\n\r\nGET /");
  EXPECT_TRUE(out.finished);
  EXPECT_EQ(out.data, "hello world");
  EXPECT_EQ(out.rest, "GET /");
  EXPECT_EQ(out.trailers, "X=1;Y=2;");
}

TEST(ChunkedDecoder, RefusesEverySizeTwoParsersCouldReadApart) {
  for (const char* input : {"+5\r\nhello\r\n", "-5\r\n", "0x5\r\nhello\r\n", "0_5\r\n", " 5\r\nhello\r\n",
                            "5 \r\nhello\r\n", "\r\n5\r\n", "5\nhello\r\n", "5\r\nhello\n", "5\r\nhelloX\r\n",
                            "ffffffffffffffff\r\n", "5;a\nb\r\nhello\r\n", "5;a\rb\r\nhello\r\n", "g\r\n",
                            "0\r\nX : 1\r\n\r\n", "0\r\n X: 1\r\n\r\n", "0\r\nX: 1\n\r\n"}) {
    EXPECT_TRUE(decode_cut_anywhere(input).refused) << input;
  }
}

TEST(ChunkedDecoder, AnExtensionHasALimit) {
  EXPECT_TRUE(decode({"5;" + std::string(20000, 'a') + "\r\nhello\r\n"}).refused);
}

TEST(ChunkedDecoder, AnUnfinishedBodyIsNotFinished) {
  for (const char* input : {"5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\nX: 1\r\n"}) {
    EXPECT_FALSE(decode_cut_anywhere(input).finished) << input;
  }
}

TEST(AppendChunk, WritesWhatTheDecoderReads) {
  std::string out;
  append_chunk(out, "hello");
  append_chunk(out, "");
  append_chunk(out, std::string(300, 'x'));
  out += "0\r\n\r\n";
  EXPECT_EQ(decode({out}).data, "hello" + std::string(300, 'x'));
}

}  // namespace
}  // namespace passerelle::http1
