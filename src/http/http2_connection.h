// An HTTP/2 connection of a client's: many requests and tunnels over one stream.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/limits.h"
#include "http/http2_stream.h"
#include "http/workspace.h"
#include "io/signal.h"
#include "io/task_group.h"
#include "protocol/http2/session.h"

namespace passerelle::http {

// A resource on its engine's thread. Its streams live as long as those they were given to let them, and it
// outlives them: who owns it waits for them between run() and its end.
class Http2Connection final : private http2::SessionHandler, private io::StopHook {
 public:
  // Takes a request, or a head that was refused; must not suspend its caller.
  using Serve = std::function<void(std::unique_ptr<Http2Stream>)>;

  Http2Connection(io::Stream& transport, const Limits& limits, Workspace& workspace, Serve serve);
  ~Http2Connection();

  // Until the connection has ended: by the peer's will; by GOAWAY (after `draining`, h2_requests_max, or
  // h2_idle_timeout), once the last stream is through; by a breach; or by `stop`. Streams still open are
  // reset then.
  [[nodiscard]] io::Task<> run(io::StopSource& draining, io::StopSource& stop);

  // After run(): whether the peer may still be told something.
  [[nodiscard]] bool lost() const { return lost_; }

 private:
  friend class Http2Stream;

  http2::StreamHandler& begin_stream(http2::StreamId id) override;
  void on_request(http2::StreamHandler& stream, const http2::RequestHead::Kind& kind) override;
  void on_refused_head(http2::StreamHandler& stream, const ParseError& why) override;
  void on_stop() override;  // of the draining

  // --- for streams ---
  void closed(Http2Stream& stream);
  void became_tunnel(Http2Stream& stream);
  // Frames what streams have to say, as far as there is room for it.
  void frame();
  void flush_soon() { work_.notify(); }

  io::Task<> read();
  io::Task<> write();
  void begin();  // the one whose head is whole now
  void start_requests();
  void count_request();
  void go();  // for good
  void on_late_head();
  void on_stalled();
  void rest();  // no stream is open
  void leave();

  io::Stream& transport_;
  io::Engine& engine_;
  const Limits& limits_;
  Workspace& workspace_;
  const Serve serve_;
  http2::Session session_;
  std::unique_ptr<Http2Stream> beginning_;           // its head is not whole yet
  std::vector<std::unique_ptr<Http2Stream>> begun_;  // wait for their turn
  IntrusiveList<Http2Stream::Place> streams_;
  std::size_t open_ = 0;  // streams whose head is whole
  std::size_t tunnels_ = 0;
  std::size_t serving_ = 0;                     // requests
  std::size_t handshaking_ = 0;                 // WebSockets that are none yet
  std::size_t requests_ = 0;                    // so far, without those that became tunnels
  RecyclePool<Buffer>::Lease output_{nullptr};  // frames that wait to be sent
  io::Signal work_;
  io::Signal room_;                 // for replies
  io::StopSource* stop_ = nullptr;  // while it runs

  class Alarm final : public io::Timer {
   public:
    Alarm(Http2Connection& owner, void (Http2Connection::*rings)()) : owner_(owner), rings_(rings) {}
    void on_timer() override { (owner_.*rings_)(); }

   private:
    Http2Connection& owner_;
    void (Http2Connection::*rings_)();
  };
  void arm(Alarm& alarm, Duration after) { engine_.timers().arm(alarm, engine_.now() + after); }
  Alarm leave_alarm_{*this, &Http2Connection::go};           // nobody is here, or was told to go
  Alarm head_alarm_{*this, &Http2Connection::on_late_head};  // a head has begun and does not end
  Alarm send_alarm_{*this, &Http2Connection::on_stalled};    // the peer takes nothing

  enum class Leaving : std::uint8_t { no, announced, gone };
  Leaving leaving_ = Leaving::no;
  bool sending_ = false;
  bool ending_ = false;
  bool lost_ = false;  // the transport is of no more use
};

}  // namespace passerelle::http
