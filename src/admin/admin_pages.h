// The pages of the admin listener.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "board/member.h"
#include "http/server.h"
#include "model/gateway.h"
#include "telemetry/counters.h"

namespace passerelle::admin {

// A tunnel as it is now.
struct TunnelView {
  std::string id, listener, rule, pool, settings, client, member;
  double seconds = 0;
  std::uint64_t messages_from_client = 0, messages_from_backend = 0, bytes_from_client = 0,
                bytes_from_backend = 0;
};

// What the pages show; filled by main.cc, so that admin/ needs not know the data plane.
struct Observed {
  std::function<bool()> ready;
  std::function<std::shared_ptr<const model::Gateway>()> gateway;
  std::function<std::vector<board::Group>()> groups;
  std::function<std::vector<const telemetry::Counters*>()> counters;
  std::function<std::vector<TunnelView>()> tunnels;
  std::function<std::uint64_t()> configuration_version;
};

// On the control plane's engine.
class AdminPages {
 public:
  explicit AdminPages(Observed observed) : observed_(std::move(observed)) {}
  [[nodiscard]] http::Response answer(const http::Request& request) const;

 private:
  [[nodiscard]] http::Response health() const;
  [[nodiscard]] http::Response tunnels() const;
  [[nodiscard]] http::Response metrics() const;
  Observed observed_;
};

}  // namespace passerelle::admin
