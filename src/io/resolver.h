// Names to addresses, with how long they hold.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/endpoint.h"
#include "base/error.h"

namespace passerelle::io {

struct Resolution {
  std::vector<IpAddress> addresses;  // sorted, without repeats
  std::chrono::seconds ttl{};
};

// `done` is called once, on any thread.
class Resolver {
 public:
  using Done = std::function<void(Result<Resolution>)>;
  virtual ~Resolver() = default;
  virtual void resolve(const std::string& host, Done done) = 0;
};

// c-ares (resolv.conf, hosts file) on a thread of its own: names are few and change seldom, so they need no
// engine.
class AresResolver final : public Resolver {
 public:
  AresResolver();
  ~AresResolver() override;  // unanswered ones are dropped
  void resolve(const std::string& host, Done done) override;

 private:
  struct Query {
    std::string host;
    Done done;
  };
  void run();
  std::mutex mutex_;
  std::deque<Query> queue_;
  bool stopping_ = false;
  int wake_ = -1;
  std::thread thread_;
};

}  // namespace passerelle::io
