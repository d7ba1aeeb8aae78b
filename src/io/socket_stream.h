// A TCP or UNIX stream socket on a SocketEngine.
#pragma once

#include "io/frame_pool.h"
#include "io/socket_engine.h"

namespace passerelle::io {

// How soon the kernel finds a dead peer on a connection that says nothing: after `idle`, a probe each
// `interval`, `count` of them unanswered. A tunnel may be silent for days and still be alive.
struct KeepAlive {
  int idle_seconds = 60;
  int interval_seconds = 15;
  int count = 4;
};
// Of a socket to be bound or connected to `endpoint`, before it is; accepted ones inherit them.
void set_stream_options(int descriptor, const Endpoint& endpoint);

class SocketStream : public Stream, protected EventTarget, protected Ready {
 public:
  // With those of its size: a tunnel's are there long after what made it.
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }

  // As an engine makes it: it hears of nothing yet.
  SocketStream(SocketEngine& engine, int descriptor) : engine_(engine), descriptor_(descriptor) {}
  // Takes the descriptor, non-blocking; registers it.
  static Result<std::unique_ptr<SocketStream>> adopt(SocketEngine& engine, int descriptor);
  static Result<std::unique_ptr<SocketStream>> start_connect(SocketEngine& engine, const Endpoint& endpoint);
  ~SocketStream() override;

  [[nodiscard]] bool connecting() const { return connecting_; }
  void wait_connected(ConnectOperation& operation) { connect_ = &operation; }

  void reset_on_close() override;
  void watch(StreamWatcher* watcher) override;
  [[nodiscard]] std::uint32_t round_trip_microseconds() const override;
  [[nodiscard]] Engine& engine() override { return engine_; }
  [[nodiscard]] bool congested() const override { return send_ != nullptr; }
  [[nodiscard]] bool quiet() override;
  [[nodiscard]] bool seems_quiet() override;
  [[nodiscard]] bool can_pass_on() const override { return true; }
  [[nodiscard]] BytesView peek(MutableBytes into) override;
  [[nodiscard]] PassedOn pass_on(Stream& to, std::uint64_t bytes_max) override;
  [[nodiscard]] int writable_descriptor() const override {
    return writable_ && !frozen_ && !broken_ && send_ == nullptr ? descriptor_ : -1;
  }
  [[nodiscard]] bool can_freeze() const override;
  [[nodiscard]] FrozenStream freeze() override;
  void thaw() override;
  [[nodiscard]] bool try_receive(Result<BytesView>& result) override;
  void wait_receive(ReceiveOperation& operation) override;
  void cancel_receive(ReceiveOperation& operation) override;
  [[nodiscard]] bool try_send(SendOperation& operation) override;
  void wait_send(SendOperation& operation) override;
  void cancel_send(SendOperation& operation) override;

 protected:
  void keep_error(int number);
  void on_events(std::uint32_t events) override;
  void run() override;  // whoever wants what is here

  SocketEngine& engine_;
  ReceiveOperation* receive_ = nullptr;
  SendOperation* send_ = nullptr;
  ConnectOperation* connect_ = nullptr;
  StreamWatcher* watcher_ = nullptr;
  RecyclePool<Park>::Lease park_{nullptr};
  int descriptor_;
  int error_ = 0;  // met where nobody was receiving; the kernel tells it once
  bool readable_ = false;
  bool writable_ = false;
  bool peer_finished_ = false;  // FIN seen: a short read does not mean "drained", the end is still to be read
  bool broken_ = false;         // the kernel reported an error
  bool connecting_ = false;
  bool frozen_ = false;  // nothing is read or sent, whoever asks

 private:
  void on_connected(bool failed);
};

// Two of these are what an idle tunnel costs below TLS.
static_assert(sizeof(SocketStream) <= 112);

}  // namespace passerelle::io
