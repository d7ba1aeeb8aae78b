#include "protocol/websocket/frame_observer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "protocol/cut_test_support.h"

namespace passerelle::websocket {
namespace {

using testing_support::for_every_cut;

std::string frame(int first, std::string payload, bool masked) {
  std::string out(1, static_cast<char>(first));
  const auto n = payload.size();
  const int mask_bit = masked ? 0x80 : 0;
  if (n < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(n));
  } else if (n < 65536) {
    out += static_cast<char>(mask_bit | 126);
    out += static_cast<char>(n >> 8);
    out += static_cast<char>(n);
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(n >> shift);
  }
  if (masked) {
    const std::string mask = "\x12\x34\x56\x78";
    out += mask;
    for (std::size_t i = 0; i < n; ++i) payload[i] = static_cast<char>(payload[i] ^ mask[i % 4]);
  }
  return out + payload;
}

struct Recorder {
  void on_frame(const FrameHeader& header) {
    frames +=
        std::to_string(header.opcode()) + '/' + std::to_string(header.length) + (header.fin() ? " " : "... ");
  }
  void on_message(std::uint64_t bytes) { messages.push_back(bytes); }
  std::string frames;
  std::vector<std::uint64_t> messages;
};

TEST(FrameObserver, TellsFramesMessagesAndTheCloseAtEveryCut) {
  for (const bool masked : {false, true}) {
    const std::string stream = frame(0x81, "hello", masked) + frame(0x02, "part", masked) +
                               frame(0x89, "ping", masked) + frame(0x80, std::string(300, 'x'), masked) +
                               frame(0x88, std::string("\x0f\xa1") + "bye", masked);
    for_every_cut(stream, [&](const auto& pieces) {
      FrameObserver observer;
      Recorder recorder;
      for (const auto piece : pieces) observer.observe(piece, recorder);
      EXPECT_EQ(recorder.messages, (std::vector<std::uint64_t>{5, 304}));
      EXPECT_EQ(recorder.frames, "1/5 2/4... 9/4 0/300 8/5 ");
      EXPECT_TRUE(observer.close_seen());
      EXPECT_EQ(observer.close_code(), 4001);
      EXPECT_EQ(observer.close_reason(), "bye");
      EXPECT_TRUE(observer.between_frames());
      EXPECT_FALSE(observer.opaque());
    });
  }
}

TEST(FrameObserver, SavedAndRestoredAtAnyByteItGoesOn) {
  const std::string stream = frame(0x01, "hello", true) + frame(0x89, "ping", true) +
                             frame(0x80, std::string(300, 'x'), true) +
                             frame(0x88, std::string("\x0f\xa1") + "bye", true);
  for_every_cut(stream, [&](const auto& pieces) {
    FrameObserver observer;
    Recorder recorder;
    for (const auto piece : pieces) {
      observer.observe(piece, recorder);
      BinaryWriter saved;
      observer.save(saved);
      BinaryReader reader(saved.bytes());
      observer = FrameObserver::restored(reader);
      EXPECT_TRUE(reader.complete());
    }
    EXPECT_EQ(recorder.messages, (std::vector<std::uint64_t>{305}));
    EXPECT_EQ(recorder.frames, "1/5... 9/4 0/300 8/5 ");
    EXPECT_EQ(observer.close_code(), 4001);
    EXPECT_EQ(observer.close_reason(), "bye");
    EXPECT_TRUE(observer.between_frames());
  });
}

TEST(FrameObserver, ACloseWithoutACodeIs1005) {
  FrameObserver observer;
  observer.observe(frame(0x88, "", true));
  EXPECT_EQ(observer.close_code(), 1005);
  FrameObserver one_byte;
  one_byte.observe(frame(0x88, "\x03", true));
  EXPECT_EQ(one_byte.close_code(), 1005);
  EXPECT_EQ(one_byte.close_reason(), "");
}

TEST(FrameObserver, TheFirstCloseCountsAndWhatFollowsItIsStillFollowed) {
  FrameObserver observer;
  Recorder recorder;
  observer.observe(frame(0x88, std::string("\x03\xe8") + "first", true) +
                       frame(0x88, std::string("\x03\xe9") + "second", true) + frame(0x81, "late", true),
                   recorder);
  EXPECT_EQ(observer.close_code(), 1000);
  EXPECT_EQ(observer.close_reason(), "first");
  EXPECT_EQ(recorder.messages.size(), 1U);
}

TEST(FrameObserver, A63BitLengthCostsNothingAndAStreamThatIsNoWebSocketIsOpaque) {
  FrameObserver huge;
  huge.observe(std::string("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff", 10));
  huge.observe(std::string(1000, 'x'));
  EXPECT_FALSE(huge.opaque());
  for (const std::string& text :
       {std::string("GET / HTTP/1.1\r\n"), std::string("\x83\x00", 2), std::string("\x8b\x00", 2),
        std::string("\x09\x00", 2), std::string("\x89\x7e\x00\x7e", 4),
        std::string("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10)}) {
    FrameObserver observer;
    observer.observe(text);
    EXPECT_TRUE(observer.opaque());
  }
}

}  // namespace
}  // namespace passerelle::websocket
