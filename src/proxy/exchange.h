// One request: judged, routed, carried to a member, answered. Or refused; or turned into a tunnel, and then
// it is gone.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <variant>

#include "base/recycle_pool.h"
#include "http/body_spool.h"
#include "http/channel.h"
#include "policy/decision/decide.h"
#include "proxy/connection.h"
#include "proxy/member_choice.h"
#include "proxy/snapshot.h"
#include "proxy/tunnel.h"
#include "proxy/upgrade_queue.h"
#include "proxy/upstream.h"
#include "telemetry/access_log.h"

namespace passerelle::proxy {

class Worker;
class Attempt;

// The client's half of the exchange, owned by who serves it.
struct ClientSide {
  http::Channel& channel;
  const ConnectionFacts& facts;
  // dedicatedBackendConnection: this client's own, the last used last; one for each member it is led to.
  static constexpr std::size_t dedicated_max = 8;
  std::vector<std::unique_ptr<UpstreamConnection>> dedicated = {};
};

enum class AfterExchange : std::uint8_t {
  keep_alive,
  close,  // gently: there may be more of the request to read
  gone,   // the client is no longer there, or was told by a cut connection
};

// The backend's half of what is a WebSocket now.
struct Upgraded {
  std::unique_ptr<io::Stream> backend;
  std::string early;  // sent right behind the 101
  TunnelTag tag;
};

using ExchangeOutcome = std::variant<AfterExchange, Upgraded>;

// A resource in serve()'s frame, for the time of one request. It holds the snapshot it began with.
class Exchange {
 public:
  Exchange(Worker& worker, ClientSide& client, const Snapshot& snapshot, model::Index frontend,
           const MessageHead& request);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  [[nodiscard]] io::Task<ExchangeOutcome> run();
  // For a head that never became a request: 400, 408, 414, 431, 505; the connection closes.
  [[nodiscard]] io::Task<> refuse_head(const http::HeadOutcome& outcome);

 private:
  friend class Attempt;

  [[nodiscard]] io::Task<AfterExchange> answer(int status, bool keep_alive);
  // Takes the whole body before any member is asked; 0, or the status of what went wrong.
  [[nodiscard]] io::Task<int> spool_body();
  void choose_among();
  // After the last try that came to nothing: waits, where a WebSocket is worth another round.
  [[nodiscard]] io::Task<bool> try_members_again();
  [[nodiscard]] io::Task<AfterExchange> answer_page(int status, bool keep_alive, std::string_view location);
  // What the gateway knows of this client.
  [[nodiscard]] policy::ClientFacts client_facts() const;
  [[nodiscard]] io::Task<AfterExchange> refuse(const policy::Decision& decision);
  [[nodiscard]] std::chrono::seconds spread_retry() const;
  // customErrorConfigurations; null: our own page.
  [[nodiscard]] std::shared_ptr<const std::string> custom_page(int status) const;
  void note_try(const board::Member& member, int status, Duration took);
  void log(int status);
  void fill(telemetry::AccessRecord& record, int status);
  [[nodiscard]] bool can_send_again() const;
  [[nodiscard]] TunnelTag make_tag(board::Seat seat) const;
  [[nodiscard]] const RouteNames& names() const;
  [[nodiscard]] bool websocket() const { return decision_->asked.websocket; }
  [[nodiscard]] const model::BackendGroup& group() const { return *decision_->group; }
  [[nodiscard]] std::uint64_t random_part() const;
  // Null: no route was found.
  [[nodiscard]] telemetry::RouteRequests* route_requests() const;
  [[nodiscard]] std::string_view trace_text() const { return {trace_hex_.data(), trace_hex_.size()}; }

  Worker& worker_;
  ClientSide& client_;
  const Snapshot& snapshot_;
  const model::Index frontend_index_;
  const model::Frontend& frontend_;
  const MessageHead& request_;
  const policy::ClientFacts client_facts_;
  RecyclePool<policy::Decision>::Lease decision_;
  bool keep_alive_ = false;

  std::optional<http::BodySpool> spool_;    // where bodies are buffered
  std::shared_ptr<const Snapshot> newest_;  // where the choice is among members of a later one
  std::optional<MemberChoice> choice_;      // once there is a group to choose from
  std::shared_ptr<const tls::ClientContext> client_context_;  // of that group
  std::optional<TimePoint> first_failure_;                    // of a member that was asked
  std::optional<UpgradeQueue::Slot> slot_ = {};               // of a WebSocket, until its member has answered
  bool stale_retried_ = false;
  unsigned timeouts_ = 0;
  bool response_begun_ = false;  // some of it is on its way to the client

  TimePoint began_;
  WallTime began_wall_;
  std::uint64_t received_before_ = 0;
  std::uint64_t sent_before_ = 0;
  Duration first_byte_after_{};
  std::array<char, 16> trace_id_{};
  std::array<char, 32> trace_hex_{};
  std::string routed_, statuses_, latencies_, content_type_;
  std::string_view error_info_;
};

}  // namespace passerelle::proxy
