// The engine over epoll: edge-triggered, each socket registered once.
#pragma once

#include "io/socket_engine.h"

struct epoll_event;

namespace passerelle::io {

class EpollEngine final : public SocketEngine {
 public:
  EpollEngine(Clock& clock, Random& random);
  ~EpollEngine() override;

  [[nodiscard]] std::string_view name() const override { return "epoll"; }
  // Then closing one does not take it out of epoll: that costs a call of its own.
  void expect_shared_descriptors() override { shared_descriptors_ = true; }
  [[nodiscard]] bool add(int descriptor, EventTarget& target, std::uint32_t events) override;
  void suspend(int descriptor) override;
  void remove(int descriptor, const EventTarget& target) override;
  [[nodiscard]] bool has_news_for(const EventTarget& target) override;

 private:
  static constexpr std::size_t events_max = 256;
  void wait_and_tell(Duration at_most) override;

  int epoll_ = -1;
  bool shared_descriptors_ = false;
  std::unique_ptr<epoll_event[]> events_;
  int events_count_ = 0;
  int events_next_ = 0;
};

}  // namespace passerelle::io
