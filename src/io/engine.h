// The engine: one per thread. It owns the waiting; coroutines own the doing.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/random.h"
#include "io/operation.h"
#include "io/stream.h"

namespace passerelle::io {

// co_await engine.connect(endpoint, wait) -> Result<std::unique_ptr<Stream>>.
class [[nodiscard]] ConnectOperation final : public Operation {
 public:
  ConnectOperation(Engine& engine, const Endpoint& endpoint, const Wait& wait)
      : endpoint(endpoint), engine_(engine), wait_(wait) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> waiter);
  Result<std::unique_ptr<Stream>> await_resume() { return std::move(*result); }

  const Endpoint& endpoint;  // outlives the operation
  std::optional<Result<std::unique_ptr<Stream>>> result;
  void* record = nullptr;  // the engine's own, while it waits

 private:
  void cancel(ErrorKind why) override;
  Engine& engine_;
  Wait wait_;
};

// co_await engine.sleep(wait): until the deadline (true) or the stop (false).
class [[nodiscard]] SleepOperation final : public Operation {
 public:
  SleepOperation(Engine& engine, const Wait& wait) : engine_(engine), wait_(wait) {}
  [[nodiscard]] bool await_ready() const { return wait_.stop != nullptr && wait_.stop->requested(); }
  void await_suspend(std::coroutine_handle<> waiter);
  [[nodiscard]] bool await_resume() const { return slept_; }

 private:
  void cancel(ErrorKind why) override;
  Engine& engine_;
  Wait wait_;
  bool slept_ = false;
};

// co_await engine.yield(): lets everything else that is ready run first.
class [[nodiscard]] YieldOperation final : public Ready {
 public:
  explicit YieldOperation(Engine& engine) : engine_(engine) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  void await_resume() const {}

 private:
  void run() override { waiter_.resume(); }
  Engine& engine_;
  std::coroutine_handle<> waiter_ = nullptr;
};

struct ListenOptions {
  bool reuse_port = true;   // several workers listen on one address; the kernel spreads connections over them
  bool for_clients = true;  // not for the process's own pages: it stops short of the last descriptors
  int backlog = 4096;
};

// A resource; everything but `post` and `stop` is for its own thread. EpollEngine and UringEngine are real;
// SimulatedEngine is for tests. Received bytes are lent, and records outlive completions.
class Engine {
 public:
  Engine(Clock& clock, Random& random) : clock_(clock), random_(random), now_(clock.now()) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  virtual ~Engine() = default;

  // Runs until stop(). Nothing may be suspended on the engine when it is destroyed.
  virtual void run() = 0;
  virtual void stop() = 0;
  // From any thread: runs `function` on the engine's thread. In order for one caller.
  virtual void post(std::function<void()> function) = 0;

  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                                 const ListenOptions& options) = 0;
  // What another process, or a service manager, has opened. Takes the descriptor, also where it fails.
  [[nodiscard]] virtual Result<std::unique_ptr<Listener>> adopt_listener(int descriptor,
                                                                         const ListenOptions& options) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Stream>> adopt_stream(int descriptor) = 0;
  [[nodiscard]] ConnectOperation connect(const Endpoint& endpoint, const Wait& wait) {
    return {*this, endpoint, wait};
  }
  [[nodiscard]] SleepOperation sleep(const Wait& wait) { return {*this, wait}; }
  [[nodiscard]] YieldOperation yield() { return YieldOperation(*this); }

  // From now on another process may hold descriptors of ours too, so that closing one is not the end of it.
  virtual void expect_shared_descriptors() {}

  // The time of this turn of the loop; exact enough for deadlines and latencies, and free.
  [[nodiscard]] TimePoint now() const { return now_; }
  // Its date and time, asked for once a turn.
  [[nodiscard]] WallTime wall() {
    if (!wall_) wall_ = clock_.wall();
    return *wall_;
  }
  [[nodiscard]] Random& random() { return random_; }
  [[nodiscard]] Wait in(Duration duration, StopSource& stop) const { return {now_ + duration, &stop}; }
  [[nodiscard]] TimerQueue& timers() { return timers_; }
  // Once, however often it is asked for before its turn.
  void run_soon(Ready& item) {
    if (!item.linked()) ready_.push_back(item);
  }

  // Operations that finish at once never come back to the loop; this bounds how many in a row do, so that one
  // busy connection cannot starve the rest. False: wait your turn.
  // What takes longer takes more turns.
  [[nodiscard]] bool take_turn(int turns = 1) {
    if (turns_left_ <= 0) return false;
    turns_left_ -= turns;
    return true;
  }

  [[nodiscard]] virtual bool try_connect(ConnectOperation& operation) = 0;
  virtual void wait_connect(ConnectOperation& operation) = 0;
  virtual void cancel_connect(ConnectOperation& operation) = 0;

 protected:
  static constexpr int turns_max = 64;
  void new_turn() { turns_left_ = turns_max; }
  void run_ready();
  void update_now() {
    now_ = clock_.now();
    wall_.reset();
  }

  Clock& clock_;
  Random& random_;
  TimePoint now_;
  std::optional<WallTime> wall_;
  TimerQueue timers_;
  IntrusiveList<Ready> ready_;

 private:
  int turns_left_ = turns_max;
};

}  // namespace passerelle::io
