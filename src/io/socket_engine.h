// What engines over the kernel's sockets have in common; they differ in how they hear of events.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/recycle_pool.h"
#include "io/descriptor_limit.h"
#include "io/engine.h"
#include "io/pipe.h"

namespace passerelle::io {

class SocketStream;

// Who gets the events of a descriptor: epoll's bits.
class EventTarget {
 public:
  virtual void on_events(std::uint32_t events) = 0;

 protected:
  ~EventTarget() = default;
};

// Bytes a slow peer would not take yet. Recycled: back-pressure must not allocate per message either.
struct Park {
  std::vector<char> bytes;
  std::size_t taken = 0;  // of what is received: lent already
  void clear() {
    bytes.clear();
    taken = 0;
  }
};

// A resource, as every Engine: of its thread, but for post() and stop().
class SocketEngine : public Engine {
 public:
  SocketEngine(Clock& clock, Random& random);
  ~SocketEngine() override;

  void run() final;
  void stop() final;
  void post(std::function<void()> function) final;
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                         const ListenOptions& options) final;
  [[nodiscard]] Result<std::unique_ptr<Listener>> adopt_listener(int descriptor,
                                                                 const ListenOptions& options) final;
  [[nodiscard]] Result<std::unique_ptr<Stream>> adopt_stream(int descriptor) final;
  [[nodiscard]] bool try_connect(ConnectOperation& operation) final;
  void wait_connect(ConnectOperation& operation) final;
  void cancel_connect(ConnectOperation& operation) final;

  // As on the command line.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // --- for its sockets ---
  [[nodiscard]] virtual std::unique_ptr<SocketStream> make_stream(int descriptor);
  // From now on the target is told of edges: it acts until nothing is left to do. Once a descriptor.
  [[nodiscard]] virtual bool add(int descriptor, EventTarget& target, std::uint32_t events) = 0;
  // No events of it until it is added again.
  virtual void suspend(int descriptor) = 0;
  // The target goes away: whatever the kernel already reported for it is dropped. Closes the descriptor.
  virtual void remove(int descriptor, const EventTarget& target) = 0;
  // Whether the kernel has told something of it that its turn has not come for.
  [[nodiscard]] virtual bool has_news_for(const EventTarget& target) = 0;
  // What a receive takes of it; more only makes the cache cold. What cannot be passed on may fill it.
  static constexpr std::uint32_t received_bytes_max = 64 * kibibyte;
  static constexpr std::size_t receive_buffer_bytes = 256 * kibibyte;
  [[nodiscard]] MutableBytes receive_buffer() { return {receive_buffer_.get(), receive_buffer_bytes}; }
  // Empty between its uses; null where there is none to be had.
  [[nodiscard]] const Pipe* pipe();
  [[nodiscard]] RecyclePool<Park>& parks() { return parks_; }
  [[nodiscard]] const DescriptorShares& shares() const { return shares_; }

 protected:
  // Waits for at most so long (Duration::max(): until something happens), and tells all targets of what
  // happened.
  virtual void wait_and_tell(Duration at_most) = 0;
  // run() ends: what has gathered is to be done.
  virtual void finish_turn() {}
  // An eventfd: its events are for woken().
  [[nodiscard]] int wake_descriptor() const { return wake_; }
  void woken() { woken_ = true; }

 private:
  static constexpr std::size_t parks_kept_max = 16;
  void run_posted();

  DescriptorShares shares_;
  int wake_ = -1;
  std::atomic<bool> stopping_ = false;
  bool woken_ = false;
  std::unique_ptr<char[]> receive_buffer_;
  std::optional<Pipe> pipe_;
  RecyclePool<Park> parks_{parks_kept_max};
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace passerelle::io
