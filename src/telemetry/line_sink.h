// Lines to a file or standard output, from any thread, without making it wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace passerelle::telemetry {

// A resource with a thread of its own. Lines stay whole and in order for one writer. When the reader of a
// pipe is slower than we are, lines beyond `buffered_bytes_max` are dropped and counted, and the next line
// written says so.
class LineSink {
 public:
  static constexpr std::size_t buffered_bytes_max = 8U << 20U;

  // Takes over the descriptor if `owned`. An empty path: only the descriptor, no reopening.
  LineSink(int descriptor, std::string path);
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;
  ~LineSink();  // writes out what is left

  // `lines`: one or more, each with its newline.
  void write(std::string_view lines);
  // After rotation: the same path, opened anew. Any thread.
  void reopen() { reopen_ = true; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  void run();
  void write_out(std::string_view bytes);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string pending_;
  bool stopping_ = false;
  std::atomic<bool> reopen_ = false;
  std::atomic<std::uint64_t> dropped_ = 0;
  int descriptor_;
  std::string path_;
  std::thread thread_;
};

}  // namespace passerelle::telemetry
