// A listening socket on a SocketEngine.
#pragma once

#include "io/socket_engine.h"

namespace passerelle::io {

class SocketListener final : public Listener, private EventTarget, private Timer, private Ready {
 public:
  static Result<std::unique_ptr<Listener>> open(SocketEngine& engine, const Endpoint& endpoint,
                                                const ListenOptions& options);
  // Takes the descriptor of a socket that listens already.
  static Result<std::unique_ptr<Listener>> adopt(SocketEngine& engine, int descriptor,
                                                 const ListenOptions& options);
  ~SocketListener() override;

  [[nodiscard]] const Endpoint& local() const override { return local_; }
  [[nodiscard]] Engine& engine() override { return engine_; }
  [[nodiscard]] std::uint64_t refused() const override { return refused_; }
  [[nodiscard]] int descriptor() const override { return descriptor_; }
  [[nodiscard]] bool try_accept(AcceptOperation& operation) override;
  void wait_accept(AcceptOperation& operation) override;
  void cancel_accept(AcceptOperation& operation) override;

 private:
  SocketListener(SocketEngine& engine, int descriptor, Endpoint local, bool for_clients);
  void on_events(std::uint32_t events) override;
  void on_timer() override { on_events(0); }
  void run() override { on_events(0); }
  // Ends the accept once for all connections refused since the last time, so that somebody learns of them.
  bool tell_refused(AcceptOperation& operation);

  SocketEngine& engine_;
  AcceptOperation* accept_ = nullptr;
  Endpoint local_;
  std::uint64_t refused_ = 0;
  std::uint64_t refused_told_ = 0;
  int descriptor_;
  bool for_clients_;
  bool readable_ = true;
};

}  // namespace passerelle::io
