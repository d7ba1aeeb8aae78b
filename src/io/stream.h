// The one stream interface: TCP, UNIX socket, TLS over any stream, a stream of an HTTP/2 connection, memory
// in tests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "io/operation.h"

namespace passerelle::io {

class Stream;
class Engine;

// What another process needs to go on with a stream that is frozen here.
struct FrozenStream {
  int descriptor = -1;    // still this stream's
  BytesView unsent = {};  // of the send that waits; lives until the thaw or the stream's end, as does
  BytesView unread = {};  // what is received but not yet lent
};

// What went from one stream to another without being looked at.
struct PassedOn {
  std::size_t bytes = 0;  // taken from the one
  BytesView left = {};    // the last of them, which the other would not take: lent, and the caller's to send
};

// co_await stream.receive(wait) -> Result<BytesView>: see Stream.
class [[nodiscard]] ReceiveOperation final : public Operation {
 public:
  ReceiveOperation(Stream& stream, const Wait& wait) : stream_(stream), wait_(wait) {}

  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  Result<BytesView> await_resume() { return result; }

  Result<BytesView> result;

  // Waits without a coroutine; `resume_with` was called before.
  void begin_wait();

 private:
  void cancel(ErrorKind why) override;
  Stream& stream_;
  Wait wait_;
};

// co_await stream.send(bytes, wait) -> Result<>: see Stream.
class [[nodiscard]] SendOperation final : public Operation {
 public:
  SendOperation(Stream& stream, BytesView bytes, bool finish, const Wait& wait)
      : bytes(bytes), finish(finish), stream_(stream), wait_(wait) {}

  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  Result<> await_resume() { return result; }

  BytesView bytes;  // what is still to go
  bool finish;      // then end our side
  Result<> result;

  void begin_wait();

 private:
  void cancel(ErrorKind why) override;
  Stream& stream_;
  Wait wait_;
};

// Told of what happens to a stream while nobody is receiving from it. At most one a stream. It may request a
// stop and use the stream, and must not destroy it.
class StreamWatcher {
 public:
  // There may be something to receive. Sure to be told again only once all of it is taken (try_receive gave
  // nothing).
  virtual void on_readable() {}
  virtual void on_peer_finished() = 0;  // the peer ended its side (FIN)
  virtual void on_reset() = 0;          // the connection is gone

 protected:
  ~StreamWatcher() = default;
};

// A resource, owned by one connection or tunnel; lives on its engine's thread. Destroying it closes it;
// nothing may wait on it then. At most one receive and one send wait at a time; the two are independent.
class Stream {
 public:
  Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream() = default;

  // Lends the next bytes, of memory the stream chose; an empty view is the peer's end. The loan ends at the
  // caller's next suspension or the next receive, whichever comes first: use it, send it, or copy it.
  [[nodiscard]] ReceiveOperation receive(const Wait& wait) { return {*this, wait}; }

  // Passes up to `bytes_max` of the bytes that are here on to another stream that can too, without their
  // coming by this process (splice). None where there are none, or the other is not ready: receive() waits,
  // and tells of ends and errors.
  [[nodiscard]] virtual bool can_pass_on() const { return false; }
  [[nodiscard]] virtual PassedOn pass_on(Stream& /*to*/, std::uint64_t /*bytes_max*/) { return {}; }
  // The next bytes that are here, looked at and not taken; as much as `into` holds. None where nothing is
  // here, or the stream cannot: then receive() tells more.
  [[nodiscard]] virtual BytesView peek(MutableBytes /*into*/) { return {}; }
  // Whom pass_on() may write to at once; -1: not now.
  [[nodiscard]] virtual int writable_descriptor() const { return -1; }

  // Sends all of `bytes`. They need only live until the call suspends: what the peer does not take at once is
  // parked (copied; never more than was passed) and the operation ends when the kernel has it all. So a
  // sender that awaits each send holds at most one slice, and a slow peer stops it.
  [[nodiscard]] SendOperation send(BytesView bytes, const Wait& wait) { return {*this, bytes, false, wait}; }
  // Sends `bytes`, then ends our side (FIN; close_notify before it under TLS). The other side stays open.
  [[nodiscard]] SendOperation finish(BytesView bytes, const Wait& wait) { return {*this, bytes, true, wait}; }

  // Closing will reset the connection rather than end it in order.
  virtual void reset_on_close() = 0;

  virtual void watch(StreamWatcher* watcher) = 0;
  // TCP's smoothed estimate (TCP_INFO); 0 where there is none.
  [[nodiscard]] virtual std::uint32_t round_trip_microseconds() const { return 0; }
  [[nodiscard]] virtual Engine& engine() = 0;

  // Whether another process could take it over: not over TLS, not on an HTTP/2 connection, not where it is
  // broken.
  [[nodiscard]] virtual bool can_freeze() const { return false; }
  // Holds it still for that (SCM_RIGHTS): what waits keeps waiting, and nothing is read, sent or told until
  // thaw() or the stream's end. Once another process has it, destroying it here is not felt by the peer. Only
  // where can_freeze().
  [[nodiscard]] virtual FrozenStream freeze() { return {}; }
  virtual void thaw() {}

  // Whether a send that waits does so because the peer takes no more.
  [[nodiscard]] virtual bool congested() const { return true; }

  // Whether the peer has neither sent anything unread nor ended: asks the kernel, not the last event.
  [[nodiscard]] virtual bool quiet() = 0;
  // The same as far as the engine has heard: costs no call, and may be true a moment too long.
  [[nodiscard]] virtual bool seems_quiet() { return quiet(); }

  // --- for operations and for streams over streams ---
  // True when it finished at once, with `result` set.
  [[nodiscard]] virtual bool try_receive(Result<BytesView>& result) = 0;
  virtual void wait_receive(ReceiveOperation& operation) = 0;
  virtual void cancel_receive(ReceiveOperation& operation) = 0;
  [[nodiscard]] virtual bool try_send(SendOperation& operation) = 0;
  virtual void wait_send(SendOperation& operation) = 0;
  virtual void cancel_send(SendOperation& operation) = 0;
};

struct Accepted {
  std::unique_ptr<Stream> stream;
  Endpoint peer;
};

class Listener;

// co_await listener.accept(wait) -> Result<Accepted>.
class [[nodiscard]] AcceptOperation final : public Operation {
 public:
  AcceptOperation(Listener& listener, const Wait& wait) : listener_(listener), wait_(wait) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  Result<Accepted> await_resume() { return std::move(*result); }

  std::optional<Result<Accepted>> result;

 private:
  void cancel(ErrorKind why) override;
  Listener& listener_;
  Wait wait_;
};

// A resource, owned by its worker. Out of descriptors, it refuses the connections it has no room for (closes
// them at once), counts them, and ends an accept with `no_resources` to say so; the next accept goes on.
class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  [[nodiscard]] AcceptOperation accept(const Wait& wait) { return {*this, wait}; }
  [[nodiscard]] virtual const Endpoint& local() const = 0;
  [[nodiscard]] virtual Engine& engine() = 0;
  // For another process to adopt; still this listener's.
  [[nodiscard]] virtual int descriptor() const = 0;
  [[nodiscard]] virtual std::uint64_t refused() const = 0;  // connections closed for want of descriptors

  [[nodiscard]] virtual bool try_accept(AcceptOperation& operation) = 0;
  virtual void wait_accept(AcceptOperation& operation) = 0;
  virtual void cancel_accept(AcceptOperation& operation) = 0;
};

}  // namespace passerelle::io
