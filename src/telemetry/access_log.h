// One record an exchange, in the shape of Azure's ApplicationGatewayAccessLog v2 (behaviour sheet, section
// 15).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "telemetry/line_sink.h"

namespace passerelle::telemetry {

// A value of views, filled by the exchange and written at once.
struct AccessRecord {
  WallTime time{};
  std::string_view resource_id, listener, rule, pool, settings;
  std::string_view client_ip;
  std::uint16_t client_port = 0;
  std::string_view method, original_uri, request_uri, query, user_agent, http_version;
  int status = 0;
  std::uint64_t received_bytes = 0, sent_bytes = 0;
  double client_response_seconds = 0;  // until the response's first byte left
  double taken_seconds = 0;
  std::string_view transaction_id;
  std::string_view trace_id;  // of the client's traceparent (W3C Trace Context); empty: it sent none
  bool tls = false;
  std::string_view tls_cipher, tls_protocol;
  std::string_view client_verify = "NONE", client_fingerprint, client_issuer;  // of the client's certificate
  std::string_view server_routed, server_status, server_latency;  // lists, where several members were tried
  std::string_view original_host, host, error_info, content_type;
};

struct TunnelClose {
  struct Frame {
    unsigned opcode = 0;
    bool fin = false;
    std::uint64_t bytes = 0;  // of its payload
  };
  struct Direction {
    std::uint64_t messages = 0, bytes = 0;
    bool opaque = false;                  // not WebSocket framing: what messages says is up to there
    std::vector<Frame> last_frames = {};  // the latest last
  };
  std::string_view cause = {}, side = {};
  unsigned code = 0;             // of the Close that ended it; 0: none did
  std::string_view reason = {};  // its words, as they came
  Direction from_client = {}, from_backend = {};
  double seconds = 0;
};

// A value.
struct AccessLogSettings {
  std::shared_ptr<LineSink> sink = {};  // none: it is off
  bool for_people = false;              // a short line for a terminal instead of JSON
  // Of exchanges that went well, from 0 to 1. Tunnels, and answers of 500 and above, are all recorded.
  double share = 1;
};

// One a worker: it owns the line it writes in.
class AccessLog {
 public:
  explicit AccessLog(AccessLogSettings settings) : settings_(std::move(settings)) {}

  [[nodiscard]] bool on() const { return settings_.sink != nullptr; }
  // Whether exchange() is to be called. `id`: a random number of the exchange; the same one has the same
  // answer in every process.
  [[nodiscard]] bool wants(int status, std::uint64_t id) const;
  void exchange(const AccessRecord& record);
  void tunnel_opened(const AccessRecord& record, std::string_view tunnel_id);
  void tunnel_closed(const AccessRecord& record, std::string_view tunnel_id, const TunnelClose& close);

 private:
  const AccessLogSettings settings_;
  std::string line_;  // kept warm: a record allocates nothing
  std::string time_;
};

}  // namespace passerelle::telemetry
