// One WebSocket's conversation: messages of a known content go out masked, and each echo is checked, byte for
// byte, however it arrives.
#pragma once

#include <algorithm>
#include <deque>
#include <string>

#include "frames.h"
#include "recorder.h"

namespace bench {

// The content all messages share but for the number in front; masked and not.
struct Pattern {
  explicit Pattern(std::size_t bytes) : clear(bytes, 0) {
    for (std::size_t i = 0; i < bytes; ++i) clear[i] = static_cast<char>('a' + (i % 23));
    masked = clear;
    apply_mask(masked.data(), masked.size(), mask_key, 0);
  }
  static constexpr std::size_t number_bytes = 8;
  std::string clear;
  std::string masked;
};

class EchoTalk {
 public:
  EchoTalk(Recorder& recorder, const Pattern& pattern) : recorder_(recorder), pattern_(pattern) {}

  // The next message: its header and its number; behind it goes tail().
  [[nodiscard]] std::string next() {
    const std::uint64_t number = next_number_++;
    began_.push_back(Clock::now());
    std::string out = frame_header(binary, pattern_.clear.size(), true);
    std::string numbered = number_text(number);
    apply_mask(numbered.data(), numbered.size(), mask_key, 0);
    return out + numbered;
  }
  [[nodiscard]] std::string_view tail() const {
    return std::string_view(pattern_.masked).substr(std::min(Pattern::number_bytes, pattern_.masked.size()));
  }
  // How many echoes this completes; -1: it is not what was sent.
  [[nodiscard]] int take(std::string_view bytes) {
    int echoed = 0;
    while (!bytes.empty()) {
      if (!frames_.in_payload()) {
        if (!frames_.read_header(bytes)) break;
        if (frames_.opcode() != binary || frames_.length() != pattern_.clear.size() || began_.empty())
          return -1;
        expected_ = number_text(checked_number_);
      }
      const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(frames_.left(), bytes.size()));
      if (!same(bytes.substr(0, n), static_cast<std::size_t>(frames_.done()))) return -1;
      bytes.remove_prefix(n);
      if (!frames_.advance(n)) continue;
      ++checked_number_;
      ++echoed;
      recorder_.done(began_.front());
      began_.pop_front();
    }
    return echoed;
  }

 private:
  [[nodiscard]] std::string number_text(std::uint64_t number) const {
    std::string out(std::min(Pattern::number_bytes, pattern_.clear.size()), 0);
    std::memcpy(out.data(), &number, out.size());
    return out;
  }
  [[nodiscard]] bool same(std::string_view bytes, std::size_t from) const {
    if (from < expected_.size()) {
      const std::size_t n = std::min(expected_.size() - from, bytes.size());
      if (bytes.substr(0, n) != std::string_view(expected_).substr(from, n)) return false;
      bytes.remove_prefix(n);
      from += n;
    }
    return bytes == std::string_view(pattern_.clear).substr(from, bytes.size());
  }

  Recorder& recorder_;
  const Pattern& pattern_;
  FrameReader frames_;
  std::string expected_;
  std::uint64_t next_number_ = 0;
  std::uint64_t checked_number_ = 0;
  std::deque<Clock::time_point> began_;
};

}  // namespace bench
