// Signals as calls: a thread waits for them, so that no handler runs in the middle of anything.
#pragma once

#include <functional>
#include <thread>
#include <vector>

namespace passerelle::io {

// `on_signal` runs on this object's thread. Threads started before block() would still take signals the old
// way.
class Signals {
 public:
  // Call first in main, before any thread: threads inherit the mask. SIGPIPE is ignored from here on.
  static void block(const std::vector<int>& numbers);

  Signals(std::vector<int> numbers, std::function<void(int)> on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  std::vector<int> numbers_;
  std::function<void(int)> on_signal_;
  std::thread thread_;
};

}  // namespace passerelle::io
