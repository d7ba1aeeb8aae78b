// Lines to where a log goes, from any thread, without making it wait.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "telemetry/line_target.h"

namespace passerelle::telemetry {

// A resource with a thread of its own. Lines stay whole and in order for one writer. When the reader of a
// pipe is slower than we are, lines beyond `buffered_bytes_max` are dropped and counted, and the next line
// written says so.
class LineSink {
 public:
  static constexpr std::size_t buffered_bytes_max = 8U << 20U;
  static constexpr std::chrono::milliseconds gathering_time{20};

  // `gathers`: a line waits for others for up to `gathering_time`, so that a busy log costs no wake-up a
  // line.
  explicit LineSink(std::unique_ptr<LineTarget> target, bool gathers = false);
  // To a file, which is opened anew after rotation; with an empty path to the descriptor alone.
  LineSink(int descriptor, std::string path)
      : LineSink(std::make_unique<FileTarget>(descriptor, std::move(path))) {}
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;
  ~LineSink();  // writes out what is left

  // `lines`: one or more, each with its newline.
  void write(std::string_view lines);
  // After rotation. Any thread.
  void reopen() { reopen_ = true; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  bool stopping_ = false;
  std::atomic<bool> reopen_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::unique_ptr<LineTarget> target_;
  const bool gathers_;
  std::thread thread_;
};

}  // namespace passerelle::telemetry
