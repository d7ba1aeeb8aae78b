// The engine over epoll: edge-triggered, each socket registered once, one receive buffer for all.
#pragma once

#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "base/recycle_pool.h"
#include "io/descriptor_limit.h"
#include "io/engine.h"
#include "io/pipe.h"

struct epoll_event;

namespace passerelle::io {

// Who gets the events of a descriptor.
class EventTarget {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EventTarget() = default;
};

// Bytes a slow peer would not take yet. Recycled: back-pressure must not allocate per message either.
struct Park {
  std::vector<char> bytes;
  void clear() { bytes.clear(); }
};

class EpollEngine final : public Engine {
 public:
  EpollEngine(Clock& clock, Random& random);
  ~EpollEngine() override;

  void run() override;
  void stop() override;
  void post(std::function<void()> function) override;
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                         const ListenOptions& options) override;
  [[nodiscard]] Result<std::unique_ptr<Listener>> adopt_listener(int descriptor,
                                                                 const ListenOptions& options) override;
  [[nodiscard]] Result<std::unique_ptr<Stream>> adopt_stream(int descriptor) override;
  // Then closing one does not take it out of epoll: that costs a call of its own.
  void expect_shared_descriptors() override { shared_descriptors_ = true; }
  [[nodiscard]] bool try_connect(ConnectOperation& operation) override;
  void wait_connect(ConnectOperation& operation) override;
  void cancel_connect(ConnectOperation& operation) override;

  // --- for its sockets ---
  [[nodiscard]] bool add(int descriptor, EventTarget& target, std::uint32_t events);
  // No events of it until it is added again.
  void suspend(int descriptor);
  // The target goes away: whatever the kernel already reported for it is dropped. Closes the descriptor.
  void remove(int descriptor, const EventTarget& target);
  // Whether the kernel has told something of it that its turn has not come for.
  [[nodiscard]] bool has_news_for(const EventTarget& target) const;
  // What a receive takes of it; more only makes the cache cold. What cannot be passed on may fill it.
  static constexpr std::uint32_t received_bytes_max = 64 * kibibyte;
  static constexpr std::size_t receive_buffer_bytes = 256 * kibibyte;
  [[nodiscard]] MutableBytes receive_buffer() { return {receive_buffer_.get(), receive_buffer_bytes}; }
  // Empty between its uses; null where there is none to be had.
  [[nodiscard]] const Pipe* pipe();
  [[nodiscard]] RecyclePool<Park>& parks() { return parks_; }
  [[nodiscard]] const DescriptorShares& shares() const { return shares_; }

 private:
  static constexpr std::size_t events_max = 256;
  static constexpr std::size_t parks_kept_max = 16;

  void wait_for_events();
  void run_posted();

  DescriptorShares shares_;
  int epoll_ = -1;
  int wake_ = -1;  // eventfd
  bool shared_descriptors_ = false;
  std::atomic<bool> stopping_ = false;
  std::unique_ptr<char[]> receive_buffer_;
  std::optional<Pipe> pipe_;
  RecyclePool<Park> parks_{parks_kept_max};
  std::unique_ptr<epoll_event[]> events_;
  int events_count_ = 0;
  int events_next_ = 0;
  bool woken_ = false;
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace passerelle::io
