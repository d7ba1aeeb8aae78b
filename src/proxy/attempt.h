// One try of a request at one member: connection, head, body, answer.
#pragma once

#include <memory>
#include <variant>

#include "http/body_writer.h"
#include "io/task_group.h"
#include "proxy/activity_timer.h"
#include "proxy/exchange.h"

namespace passerelle::proxy {

// It came to no answer; `status` is what the client gets if nobody else can be asked.
struct AttemptFailure {
  int status = 502;
  bool try_again = false;
};

using AttemptOutcome = std::variant<AfterExchange, Upgraded, AttemptFailure>;

// A resource in Exchange::run's frame. Two tasks at most: this one, which reads the member's answer, and,
// where the request has a body, one that sends it; either may stop both.
class Attempt final : public ListNode, private io::StreamWatcher {
 public:
  Attempt(Exchange& exchange, ChosenMember chosen);
  ~Attempt();
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  [[nodiscard]] io::Task<AttemptOutcome> run();

  // The member has left and its drain time is over: what is still under way ends.
  void drained();
  [[nodiscard]] const board::Member& member() const { return *member_; }

 private:
  [[nodiscard]] static MemberTls tls_of(const Exchange& exchange, const board::Member& member);
  void on_peer_finished() override;
  void on_reset() override;

  io::Task<AttemptOutcome> converse();
  // A fresh connection.
  io::Task<Result<>> connect();
  // A connection to the member that was kept, and is still good; null: none.
  std::unique_ptr<UpstreamConnection> take_kept();
  [[nodiscard]] http::BodyWriter begin_request();
  io::Task<> send_body(http::BodyWriter writer);
  // The final head, with the interim ones before it passed on.
  io::Task<http::HeadOutcome> read_answer();
  io::Task<AttemptOutcome> switch_protocols();
  io::Task<AttemptOutcome> relay();
  io::Task<bool> relay_body(const http1::Framing& framing);
  // What the gateway itself adds, then rewrites. False: a rewrite came to nothing.
  [[nodiscard]] bool finish_response(MessageHead& response);
  [[nodiscard]] AttemptOutcome head_failed(const http::HeadOutcome& outcome);
  [[nodiscard]] AttemptFailure fail_with(int status, bool try_again, std::string_view why);
  [[nodiscard]] AttemptFailure fail_rewrite();
  void keep_or_close(const http1::Framing& framing);
  [[nodiscard]] io::Wait wait() { return {never, &group_.stop_source()}; }
  [[nodiscard]] io::Wait client_wait();

  Exchange& x_;
  Worker& worker_;
  const std::shared_ptr<board::Member> member_;
  board::Seat seat_;                 // until the tunnel has it
  const std::string_view affinity_;  // the value of this member's cookie
  io::TaskGroup group_;
  StopAfterSilence timer_;  // requestTimeout, from the last sign of life of the member
  std::unique_ptr<UpstreamConnection> upstream_;
  RecyclePool<MessageHead>::Lease answer_;
  const MemberTls tls_;  // its name is the decision's
  TimePoint began_;
  bool client_gone_ = false;
  bool drained_ = false;
  bool body_sent_ = false;
  int body_refusal_ = 0;  // the status for a request body that is wrong, late or too long
};

}  // namespace passerelle::proxy
