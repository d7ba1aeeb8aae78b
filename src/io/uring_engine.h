// The engine over io_uring: events come as from epoll, but a busy stream is handed what it receives, and all
// it sends within a turn goes to the kernel by one call.
#pragma once

#include <utility>

#include "io/socket_engine.h"
#include "io/uring.h"

namespace passerelle::io {

class UringStream;

class UringEngine final : public SocketEngine {
 public:
  UringEngine(Clock& clock, Random& random, std::unique_ptr<Uring> uring);

  [[nodiscard]] std::string_view name() const override { return "io_uring"; }
  // How often it called the kernel to wait, to look or to hand over what had gathered.
  [[nodiscard]] std::uint64_t calls() const { return uring_->calls(); }

  [[nodiscard]] bool add(int descriptor, EventTarget& target, std::uint32_t events) override;
  void suspend(int descriptor) override;
  void remove(int descriptor, const EventTarget& target) override;
  [[nodiscard]] bool has_news_for(const EventTarget& target) override;
  [[nodiscard]] std::unique_ptr<SocketStream> make_stream(int descriptor) override;

  // --- for its streams ---
  // From now on the stream that was added is handed what it receives, in place of events.
  void feed(int descriptor);
  // What has been received still comes; then events again.
  void stop_feeding(int descriptor);
  // Sends what the socket takes at once: with the next call, and tells the stream of it. One at a time.
  // Returns them as they are held until then.
  [[nodiscard]] BytesView send(int descriptor, UringStream& stream, BytesView bytes);
  // It is not to be told.
  void forget_send(const UringStream& stream);
  // Hands over what has gathered, before the stream does something itself.
  void submit() { uring_->submit(); }
  // What the stream has just been fed, as long as nobody has taken it.
  [[nodiscard]] BytesView lent_by(const UringStream& stream) const {
    return lender_ == &stream ? lent_bytes_ : BytesView();
  }
  [[nodiscard]] BytesView take_lent(const UringStream& stream) {
    return lender_ == &stream ? std::exchange(lent_bytes_, {}) : BytesView();
  }
  void forget_lender(const UringStream& stream) {
    if (lender_ == &stream) lender_ = nullptr;
  }
  // Works off all that concerns the stream, and nothing else, until it is neither fed nor sending.
  void settle(int descriptor, UringStream& stream);

 private:
  enum class Kind : std::uint8_t { untold, wake, events, feed, send };
  // Of a descriptor, open or not: they are many.
  struct Entry {
    EventTarget* target = nullptr;
    std::uint32_t generation = 0;  // of what is asked of the kernel: what it says of an older one is nothing
    std::uint16_t events = 0;
    Kind asked = Kind::untold;  // feed: the target is a stream of ours
  };
  static_assert(sizeof(Entry) <= 16);
  struct Sending {
    UringStream* stream = nullptr;
    RecyclePool<Park>::Lease copy{nullptr};
    int buffer = -1;  // held meanwhile
  };

  // A request's tag: its generation, the descriptor (of a send: its place in sendings_), its kind.
  static constexpr int kind_bits = 3;
  static constexpr int generation_shift = 32;
  [[nodiscard]] static Kind kind_of(const UringCompletion& news) {
    return static_cast<Kind>(news.tag & ((1U << kind_bits) - 1));
  }
  [[nodiscard]] static std::uint32_t index_of(const UringCompletion& news) {
    return static_cast<std::uint32_t>(news.tag) >> kind_bits;
  }

  void wait_and_tell(Duration at_most) override;
  void finish_turn() override { uring_->submit(); }
  [[nodiscard]] bool is_stale(const UringCompletion& news) const;
  void tell(const UringCompletion& completion);
  void tell_events(int descriptor, const UringCompletion& completion);
  void tell_fed(int descriptor, const UringCompletion& completion);
  void tell_sent(std::uint32_t index, const UringCompletion& completion);
  [[nodiscard]] Entry& entry(int descriptor);
  [[nodiscard]] std::uint64_t tag_of(Kind kind, int descriptor) const;
  void ask_for_events(int descriptor);
  void drop_request(int descriptor);

  static constexpr std::size_t copies_kept_max = 64;
  std::unique_ptr<Uring> uring_;
  RecyclePool<Park> copies_{copies_kept_max};
  std::vector<Entry> entries_;  // by descriptor
  std::vector<Sending> sendings_;
  std::vector<std::uint32_t> sendings_free_;
  std::vector<UringCompletion> completions_;  // of this turn
  std::size_t next_ = 0;                      // of them, to be told
  UringStream* lender_ = nullptr;             // who is just fed
  BytesView lent_bytes_;                      // not yet taken
  int lent_ = -1;                             // the buffer
};

}  // namespace passerelle::io
