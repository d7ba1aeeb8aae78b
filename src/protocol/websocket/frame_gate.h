// Lets the frames of one direction of a tunnel through, or not: frame by frame, before any of it has gone on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/binary.h"
#include "base/bytes.h"

namespace passerelle::websocket {

// A value. Holds back at most a header, or an answer to a ping: 139 bytes. A stream that is not WebSocket
// framing passes as it is from there on.
class FrameGate {
 public:
  // Our pings: four bytes that are the same in each, four that are not.
  static constexpr std::size_t ping_bytes = 8, ping_prefix_bytes = 4;

  enum class Verdict : std::uint8_t {
    fine,
    message_too_long,  // the frame that made it so was held back, and nothing passes any more
  };
  struct Passed {
    Verdict verdict = Verdict::fine;
    std::uint64_t messages = 0;  // that ended
    bool answered = false;       // the pong to `ping` came; as those to earlier ones it was kept
    std::optional<std::size_t> boundary = {};  // where in `out` the last frame that is whole ends
  };
  // Appends what goes on to `out`. `ping`: the payload of our last ping; empty: there was none.
  Passed pass(BytesView in, std::string& out, std::optional<std::uint64_t> message_bytes_max, BytesView ping);
  // What has come and not gone on: the beginning of a frame; after a refusal all that came from there on.
  [[nodiscard]] BytesView held() const { return held_; }

  void save(BinaryWriter& out) const;
  [[nodiscard]] static FrameGate restored(BinaryReader& in);

 private:
  struct Header {
    std::uint8_t first = 0;
    std::size_t bytes = 0;  // its own
    std::uint64_t length = 0;
    std::optional<std::uint32_t> mask_at;  // within it
  };
  [[nodiscard]] static std::optional<Header> parse(BytesView held);
  // The frame whose header is complete.
  void decide(const Header& header, std::string& out, std::optional<std::uint64_t> message_bytes_max,
              bool may_be_answer, Passed& passed);
  enum class Answer : std::uint8_t { none, earlier, last };
  [[nodiscard]] Answer answer_to(const Header& header, BytesView ping) const;
  void let_go(std::string& out);

  std::string held_;
  std::uint64_t payload_left_ = 0;   // of the frame that passes
  std::uint64_t message_bytes_ = 0;  // so far
  std::uint64_t answer_left_ = 0;    // bytes of a pong that is held
  bool opaque_ = false;
  bool shut_ = false;
};

}  // namespace passerelle::websocket
