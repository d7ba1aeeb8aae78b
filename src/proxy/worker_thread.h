// A thread, its engine, its worker.
#pragma once

#include <future>
#include <optional>
#include <thread>

#include "base/thread_name.h"
#include "io/engine_choice.h"
#include "io/system_clock.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

// A resource owned by the data plane, on whose thread all is called.
class WorkerThread {
 public:
  WorkerThread(Clock& clock, io::EngineKind engine, const WorkerSettings& settings,
               telemetry::EventLog& events)
      : engine_(io::make_engine(engine, clock, random_)),
        worker_(*engine_, settings, events),
        thread_([this] {
          name_this_thread("worker");
          engine_->run();
        }) {}
  ~WorkerThread() {
    if (!thread_.joinable()) return;
    engine_->stop();
    thread_.join();
  }
  WorkerThread(const WorkerThread&) = delete;
  WorkerThread& operator=(const WorkerThread&) = delete;

  // Runs it on the worker's thread and waits for its end. A worker is never busy for long.
  template <class Function>
  void call(Function function) {
    std::promise<void> done;
    engine_->post([&] {
      function(worker_);
      done.set_value();
    });
    done.get_future().wait();
  }

  // Ends everything there, then `then` is called on the worker's thread.
  void finish(std::function<void()> then) {
    engine_->post([this, then = std::move(then)] {
      last_.emplace(*engine_);
      last_->spawn(finish_worker(then));
    });
  }
  [[nodiscard]] const Worker& worker() const { return worker_; }
  [[nodiscard]] io::SocketEngine& engine() { return *engine_; }

 private:
  io::Task<> finish_worker(std::function<void()> then) {
    co_await worker_.finish();
    then();
  }
  io::SystemRandom random_;
  std::unique_ptr<io::SocketEngine> engine_;
  Worker worker_;
  std::optional<io::TaskGroup> last_;
  std::thread thread_;
};

}  // namespace passerelle::proxy
