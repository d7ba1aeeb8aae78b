// The waiting of the bench's programs: edge-triggered epoll and nothing else, independent of the gateway's
// own engine, so that a fault of one is not hidden by the other.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

class Handler {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~Handler() = default;
};

class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  static constexpr std::uint32_t both_ways = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  void add(int descriptor, Handler& handler, std::uint32_t events = both_ways) const;
  // Destroyed once the events at hand are dealt with, some of which may still be for it.
  template <typename T>
  void bury(std::unique_ptr<T> handler) {
    buried_.push_back(std::shared_ptr<void>(std::move(handler)));
  }
  // Waits for events until `until`, deals with them; returns at `until` or after a batch.
  void turn(Clock::time_point until = Clock::time_point::max());

 private:
  int epoll_;
  std::vector<epoll_event> events_;
  std::vector<std::shared_ptr<void>> buried_;
};

}  // namespace bench
