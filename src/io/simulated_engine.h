// The engine in memory: for tests. A simulated clock that jumps to the next deadline, and a seed that decides
// how bytes are cut. Nothing in it is slower or faster than the seed says, so a failure is run again by its
// seed.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "io/engine.h"

namespace passerelle::io {

class SimulatedClock final : public Clock {
 public:
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] WallTime wall() const override {
    return WallTime(std::chrono::seconds(1'474'000'000) + now_.time_since_epoch());
  }
  void advance_to(TimePoint time) { now_ = std::max(now_, time); }

 private:
  TimePoint now_{std::chrono::hours(1)};
};

struct SimulationSettings {
  std::size_t chunk_bytes_max = 64 * kibibyte;  // a receive lends 1 to this many bytes; 1 cuts at every byte
  std::size_t pipe_bytes_max = 256 * kibibyte;  // what fits between the two ends of a connection
};

class SimulatedListener;
class MemoryStream;
struct MemoryEnd;

class SimulatedEngine final : public Engine {
 public:
  SimulatedEngine(SimulatedClock& clock, Random& random, const SimulationSettings& settings = {});
  ~SimulatedEngine() override;

  // Runs until stop(), or until nothing can ever happen again (then false: something waits for ever).
  void run() override;
  void stop() override { stopping_ = true; }
  void post(std::function<void()> function) override;

  // Two ends of one connection, without a listener.
  [[nodiscard]] std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> make_pair();

  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& endpoint,
                                                         const ListenOptions& options) override;
  // Of a stream that is frozen. Listeners are not handed over in memory.
  [[nodiscard]] Result<std::unique_ptr<Listener>> adopt_listener(int descriptor,
                                                                 const ListenOptions& options) override;
  [[nodiscard]] Result<std::unique_ptr<Stream>> adopt_stream(int descriptor) override;
  [[nodiscard]] bool try_connect(ConnectOperation& operation) override;
  void wait_connect(ConnectOperation& operation) override;
  void cancel_connect(ConnectOperation& operation) override;

  // An endpoint that swallows connects: they never end.
  void add_black_hole(const Endpoint& endpoint) { black_holes_.push_back(endpoint.to_string()); }
  [[nodiscard]] const SimulationSettings& settings() const { return settings_; }
  [[nodiscard]] BytesView lend(std::string bytes);
  void forget(const SimulatedListener& listener);
  // A descriptor by which it can be adopted.
  [[nodiscard]] int share(const std::shared_ptr<MemoryEnd>& end);

 private:
  void take_posted();
  SimulatedClock& simulated_clock_;
  SimulationSettings settings_;
  bool stopping_ = false;
  std::string lent_;  // what receive lent last; spoilt when the next thing runs, so that a kept view shows
  std::map<std::string, SimulatedListener*> listeners_;
  std::vector<std::string> black_holes_;
  std::map<int, std::weak_ptr<MemoryEnd>> shared_;
  int next_descriptor_ = 1000;
  std::uint16_t next_port_ = 40000;
  std::mutex posted_mutex_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace passerelle::io
