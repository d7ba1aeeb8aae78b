// The kernel's io_uring (io_uring(7)): what is asked of it goes in by the same call that waits for what has
// happened, and received bytes come in buffers of ours that the kernel picks.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

struct io_uring;
struct io_uring_buf_ring;
struct io_uring_sqe;

namespace passerelle::io {

// What has become of a request.
struct UringCompletion {
  std::uint64_t tag = 0;  // the request's
  std::int32_t result = 0;
  std::uint32_t flags = 0;

  [[nodiscard]] bool more_follow() const;  // the request goes on
  [[nodiscard]] int buffer() const;        // the one its bytes are in; -1: none
};

// A resource of one engine. The thread that first waits on it is its own from then on; until then requests
// only gather. What is asked for on another thread afterwards is not done, but that its descriptors are
// closed with it.
class Uring {
 public:
  static constexpr unsigned requests_max = 1024;  // gathered between two calls
  static constexpr unsigned buffers_count = 256;
  static constexpr std::size_t buffer_bytes = 2 * kibibyte;

  // Null where the kernel is older than 6.1, or the process may not use it.
  [[nodiscard]] static std::unique_ptr<Uring> open();
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  // Requests. Each is told of by completions with its tag; those with `untold` only where they fail.
  static constexpr std::uint64_t untold = 0;
  void poll(int descriptor, std::uint32_t events, std::uint64_t tag);  // by edges, again and again
  void receive(int descriptor, std::uint64_t tag);                     // again and again, until an end
  // What the socket takes at once. The bytes stay where they are until its completion.
  void send(int descriptor, BytesView bytes, std::uint64_t tag);
  void cancel(std::uint64_t tag);
  void close(int descriptor);

  // Hands over what has gathered, and waits for at most so long (Duration::max(): for ever) for something to
  // have happened. Adds it to `completions`.
  void wait(Duration at_most, std::vector<UringCompletion>& completions);
  // The same without waiting. Both throw std::system_error where the ring itself is broken: nothing can go on
  // then.
  void look(std::vector<UringCompletion>& completions);
  // Only what is told already: without a call.
  void collect(std::vector<UringCompletion>& completions);
  // Only hands over. False: this is not the ring's thread, or it has not begun.
  bool submit();

  // How often the kernel was called.
  [[nodiscard]] std::uint64_t calls() const { return calls_; }

  [[nodiscard]] BytesView received(const UringCompletion& completion) const {
    return {buffer(completion.buffer()), static_cast<std::size_t>(completion.result)};
  }
  // The buffer such bytes are in; -1: none.
  [[nodiscard]] int buffer_of(BytesView bytes) const;
  // A received buffer is held once; the kernel has it again once nobody holds it.
  void hold(int buffer) { ++holds_[static_cast<std::size_t>(buffer)]; }
  void release(int buffer);

 private:
  Uring();
  [[nodiscard]] io_uring_sqe& next_request();
  void hand_over_waiting();
  void begin();
  [[nodiscard]] char* buffer(int index) const {
    return buffers_.get() + static_cast<std::size_t>(index) * buffer_bytes;
  }
  [[nodiscard]] bool prepare_buffers();

  struct Free {
    void operator()(void* memory) const;
  };
  std::unique_ptr<io_uring> ring_;
  std::unique_ptr<io_uring_buf_ring, Free> offered_;
  std::unique_ptr<char, Free> buffers_;
  std::array<std::uint16_t, buffers_count> holds_{};
  std::vector<io_uring_sqe> waiting_;  // for room, where none can be made yet
  std::vector<int> closing_;           // asked for, not yet handed over
  std::uint64_t calls_ = 0;
  bool open_ = false;
  bool began_ = false;
};

}  // namespace passerelle::io
