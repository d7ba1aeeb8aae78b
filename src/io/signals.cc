#include "io/signals.h"

#include <pthread.h>

#include <csignal>

#include "base/thread_name.h"

namespace passerelle::io {
namespace {

sigset_t make_set(const std::vector<int>& numbers) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : numbers) sigaddset(&set, number);
  sigaddset(&set, SIGRTMAX - 1);
  return set;
}

}  // namespace

void Signals::block(const std::vector<int>& numbers) {
  const sigset_t set = make_set(numbers);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Signals::Signals(std::vector<int> numbers, std::function<void(int)> on_signal)
    : numbers_(std::move(numbers)), on_signal_(std::move(on_signal)) {
  block(numbers_);
  const sigset_t set = make_set(numbers_);
  thread_ = std::thread([this, set] {
    name_this_thread("signals");
    for (;;) {
      int number = 0;
      if (sigwait(&set, &number) != 0) continue;
      if (number == SIGRTMAX - 1) return;
      on_signal_(number);
    }
  });
}

Signals::~Signals() {
  pthread_kill(thread_.native_handle(), SIGRTMAX - 1);
  thread_.join();
}

}  // namespace passerelle::io
