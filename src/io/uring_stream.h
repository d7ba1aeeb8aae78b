// A TCP or UNIX stream socket on a UringEngine. It begins as any SocketStream, asked by events. One that
// takes what comes, and whose peer does, is soon fed instead, and what it sends within a turn leaves with the
// next call; when either side falls behind, or bytes are to be passed on unseen, it is asked by events again.
#pragma once

#include "io/socket_stream.h"
#include "io/uring_engine.h"

namespace passerelle::io {

class UringStream final : public SocketStream {
 public:
  UringStream(UringEngine& engine, int descriptor) : SocketStream(engine, descriptor) {}
  ~UringStream() override;

  // Not while it is only gathered.
  [[nodiscard]] bool congested() const override { return send_ != nullptr && !sending_; }
  [[nodiscard]] bool quiet() override;
  [[nodiscard]] bool seems_quiet() override;
  [[nodiscard]] BytesView peek(MutableBytes into) override;
  [[nodiscard]] PassedOn pass_on(Stream& to, std::uint64_t bytes_max) override;
  [[nodiscard]] FrozenStream freeze() override;
  void thaw() override;
  [[nodiscard]] bool try_receive(Result<BytesView>& result) override;
  [[nodiscard]] bool try_send(SendOperation& operation) override;
  void wait_send(SendOperation& operation) override;
  void cancel_send(SendOperation& operation) override;

  // What a frozen one can have unread.
  static constexpr std::size_t unread_bytes_max = 192 * kibibyte;

  // --- for its engine ---
  [[nodiscard]] static UringStream& of(EventTarget& target) { return static_cast<UringStream&>(target); }
  // So many bytes have come, which the engine lends; what nobody takes before it returns is to be kept. The
  // stream may be gone then.
  void on_fed(std::size_t bytes);
  void keep(BytesView bytes);
  // Events from now on.
  void on_feed_end() { feed_ = Feed::off; }
  // There is no more to feed: the peer's end, or an error, which the kernel tells once; or neither.
  void on_fed_up(int error, bool ended);
  void on_sent(int result);
  [[nodiscard]] bool settled() const { return feed_ == Feed::off && !sending_; }

 private:
  enum class Feed : std::uint8_t { off, on, ending };
  // A stream is fed once it has been found empty behind so many receives in a row, of so many bytes.
  static constexpr std::size_t small_bytes_max = Uring::buffer_bytes - 1;
  static constexpr std::uint8_t drained_min = 4;
  // What is kept of a stream that is fed while whoever takes it is busy, before no more is wanted; and what
  // the kernel may still hand over then.
  static constexpr std::size_t kept_bytes_max = 64 * kibibyte;
  static_assert(unread_bytes_max >= kept_bytes_max + 64 * Uring::buffer_bytes);

  [[nodiscard]] UringEngine& uring() const;
  // What was received and nobody has taken yet.
  [[nodiscard]] BytesView untaken() const;
  void drop_kept();
  void stop_feed();

  // (The flags first: they fit behind those of the base.)
  bool sending_ : 1 = false;
  Feed feed_ : 2 = Feed::off;
  std::uint8_t drained_ : 3 = 0;
  Park* kept_ = nullptr;  // one of the engine's
};

// In memory it is no more than its base: 112 bytes take as much of the heap.
static_assert(sizeof(UringStream) <= 120);

}  // namespace passerelle::io
