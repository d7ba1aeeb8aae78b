// A thread for work that takes long and nobody is in a hurry for, so that an engine can go on.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "io/engine.h"
#include "io/task.h"

namespace passerelle::io {

// A resource of the engine it is given, with a thread of the lowest priority: what serves traffic comes
// first. One piece of work after the other. Ends once what was asked for is done and resumed.
class Background {
 public:
  explicit Background(Engine& engine) : engine_(engine), thread_([this] { work(); }) {}
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  ~Background();

  // What `job` returns, once it has run there; it touches nothing that anybody changes meanwhile. The caller
  // goes on, on the engine.
  template <class Job>
  [[nodiscard]] Task<std::invoke_result_t<Job&>> run(Job job) {
    std::optional<std::invoke_result_t<Job&>> out;
    co_await Turn{*this, [&] { out.emplace(job()); }};
    co_return std::move(*out);
  }

 private:
  struct Turn {
    Background& background;
    std::function<void()> job;
    [[nodiscard]] bool await_ready() const { return false; }
    void await_suspend(std::coroutine_handle<> waiter) { background.add(*this, waiter); }
    void await_resume() const {}
  };
  struct Waiting {
    Turn* turn;
    std::coroutine_handle<> waiter;
  };
  void add(Turn& turn, std::coroutine_handle<> waiter);
  void work();

  Engine& engine_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace passerelle::io
