// After a 101: bytes both ways, until both sides have ended.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "board/member.h"
#include "io/frame_pool.h"
#include "io/task.h"
#include "io/task_group.h"
#include "proxy/activity_timer.h"
#include "proxy/keeper.h"
#include "proxy/moved_tunnel.h"
#include "proxy/snapshot.h"
#include "proxy/tunnel_direction.h"
#include "telemetry/access_log.h"
#include "telemetry/tunnel_end.h"

namespace passerelle::proxy {

class Worker;

using telemetry::TunnelEnd;

// All a tunnel knows of where it came from: small, by value, and valid whatever happens to the configuration.
struct TunnelTag {
  std::shared_ptr<const RouteNames> names;
  board::Seat seat;  // at its member
  std::array<char, 16> trace_id{};
  IpAddress client_ip;
  std::uint16_t client_port = 0;
  std::uint32_t idle_seconds_max = 0;  // 0: none
  bool only_backend_counts =
      false;  // requestTimeoutLimitsTunnels: Azure's, measured on what the backend sends
};

// Where a tunnel that another process had goes on: its streams and its tag are this process's own.
struct AdoptedTunnel {
  std::unique_ptr<io::Stream> client;
  std::unique_ptr<io::Stream> backend;
  TunnelTag tag;
  MovedTunnel state;
};

// What both sides are told when a tunnel has to end (RFC 6455 section 7.4.1).
struct Farewell {
  std::uint16_t code = 1001;
  std::string reason = {};
};

// What an exchange returns when it has become a tunnel; then it is gone.
struct TunnelPlan {
  std::unique_ptr<io::Stream> client;
  std::unique_ptr<io::Stream> backend;
  std::string early_from_client;   // sent before the 101 was there
  std::string early_from_backend;  // sent right behind the 101
  TunnelTag tag;
};

class Tunnel;

// Hears of one side of a tunnel.
template <TunnelSide side>
class TunnelEar : public io::StreamWatcher {
  void on_readable() final;
  void on_peer_finished() final;
  void on_reset() final;

 protected:
  ~TunnelEar() = default;
};

// A resource, owned by the task that runs it. The worker lists it while it lives.
class Tunnel final : public ListNode,
                     private TunnelEar<TunnelSide::client>,
                     private TunnelEar<TunnelSide::backend> {
 public:
  // With those of its size: a tunnel's are there long after what made it.
  static void* operator new(std::size_t size) { return io::allocate_frame(size); }
  static void operator delete(void* memory, std::size_t size) noexcept { io::free_frame(memory, size); }

  Tunnel(Worker& worker, TunnelPlan plan);
  Tunnel(Worker& worker, AdoptedTunnel adopted);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Carries it to its end. While it is silent nothing of it runs: its streams tell it what comes.
  [[nodiscard]] static io::Task<> run(std::unique_ptr<Tunnel> tunnel);
  // Ends it from outside, for this reason, at once.
  void end(TunnelEnd why);
  // Ends it with a Close to both sides, each on a frame boundary, and closes when both have answered, or when
  // the time is up. What either side says meanwhile goes nowhere.
  void leave(TunnelEnd why, const Farewell& farewell);
  [[nodiscard]] bool leaving() const { return leaving_ != nullptr; }

  // Holds it still, so that another process can go on with it: its state, and its two descriptors. None where
  // a stream of it cannot be handed over, or where it is about to end.
  struct Frozen {
    MovedTunnel state;
    std::array<int, tunnel_sides> descriptors{};
  };
  [[nodiscard]] std::optional<Frozen> freeze();
  // Meanwhile end() and leave() are put off until the thaw; they are nothing to whoever has it after
  // let_go().
  [[nodiscard]] bool frozen() const { return frozen_; }
  // It stays here after all.
  void thaw();
  // Another process has it: it ends here without a word to anybody.
  void let_go();

  [[nodiscard]] const TunnelTag& tag() const { return tag_; }
  [[nodiscard]] TimePoint opened() const { return opened_; }
  // From the keeper's pings, else TCP's own estimate; zero where there is none.
  [[nodiscard]] Duration round_trip(TunnelSide side) const;
  [[nodiscard]] const TunnelDirection& from(TunnelSide side) const { return directions_[at(side)]; }

 private:
  template <TunnelSide side>
  friend class TunnelEar;
  class Silence;
  struct Kept;
  Tunnel(Worker& worker, std::unique_ptr<io::Stream> client, std::unique_ptr<io::Stream> backend,
         TunnelTag tag);
  void take_early(TunnelSide side, std::string bytes);
  void keep_unsent(TunnelSide side, std::string bytes);
  void look_ahead(MovedTunnel& state, TunnelSide side, BytesView unread) const;
  void excuse_all();
  // What a side sends goes to the other by its pump. It rests while nothing comes, and then holds no frame.
  enum class Pump : std::uint8_t { resting, running, yielding, over };
  class PumpRun;
  void start(TunnelSide side);
  void hear_reset(TunnelSide side);
  [[nodiscard]] static TunnelEnd reset_of(TunnelSide side);
  [[nodiscard]] bool stopping() { return group_.stop_source().requested(); }
  io::Task<> pump(TunnelSide side);
  // The same where a keeper looks at each frame.
  io::Task<> pump_kept(TunnelSide side);
  // False: the other side cannot take them.
  io::Task<bool> send_on(TunnelSide from, BytesView bytes);
  // Sends a ping to that side if one is due and a frame may stand here. False: it cannot be sent.
  io::Task<bool> ping(TunnelSide to);
  // Whether pings to that side make sense: it can answer, and no Close is on its way.
  [[nodiscard]] bool may_ping(TunnelSide to) const;
  void leave_for(Keeper::Verdict verdict);
  // The end of a pump when the tunnel leaves: the frame under way, our Close, and what the side says until
  // its own.
  io::Task<> part(TunnelSide side);
  io::Task<> send_close(TunnelSide from);
  io::Task<> end_in_time();
  void over();
  // Shows the bytes to the observer and counts them.
  void note(TunnelSide side, BytesView bytes);
  void count(TunnelSide side, std::size_t bytes);
  // Of a long frame only the header is looked at; it and its payload, as far as they are here, go by unseen.
  // None where this is not the time for it; else what the other side would not take, which is to be sent.
  [[nodiscard]] std::optional<BytesView> pass_frame(TunnelSide side);
  // The limit on silence that holds now; zero: none.
  [[nodiscard]] Duration silence_limit() const;
  void limit_silence(TimePoint since);
  void on_silence();
  void note_end(TunnelSide side);
  void note_failure(TunnelSide side, const Error& error);
  void note_deaf(TunnelSide side, const Error& error);
  [[nodiscard]] TunnelFrameCounter counter_of(TunnelSide side);
  [[nodiscard]] telemetry::RouteTunnels* route_counters() const;
  [[nodiscard]] std::uint16_t close_code() const;
  void count_end();
  // How it ended, in views of what it holds itself.
  [[nodiscard]] telemetry::TunnelClose close_facts() const;
  void remember_end();
  void log_close();
  [[nodiscard]] io::Stream& stream(TunnelSide side) { return *streams_[at(side)]; }
  [[nodiscard]] std::size_t sides_ended() const { return (ended_[0] ? 1U : 0U) + (ended_[1] ? 1U : 0U); }

  Worker& worker_;
  // All by side; what a side sends is its direction.
  std::array<std::unique_ptr<io::Stream>, tunnel_sides> streams_;
  std::array<TunnelDirection, tunnel_sides> directions_;
  // Counted, but not yet sent on: from before the tunnel was here. Mostly nothing.
  std::array<std::unique_ptr<std::string>, tunnel_sides> unsent_;
  TunnelTag tag_;
  io::TaskGroup group_;
  // Keeps the group together while both pumps rest.
  class Hold final : public io::StopHook {
   public:
    explicit Hold(io::TaskGroup& group) : group_(group) {
      if (group_.stop_source().requested()) return;
      group_.enter();
      group_.stop_source().add(*this);
    }

   private:
    void on_stop() override { group_.leave(); }
    io::TaskGroup& group_;
  };
  Hold hold_{group_};
  std::unique_ptr<ActivityTimer> timer_;  // where silence has a limit
  std::unique_ptr<Kept> kept_;            // where its listener has keepers
  TimePoint opened_;
  struct Leaving {
    Farewell farewell;
    TimePoint deadline;
  };
  std::unique_ptr<const Leaving> leaving_;
  struct PutOff {
    TunnelEnd why;
    std::optional<Farewell> farewell;  // none: at once
  };
  std::unique_ptr<const PutOff> put_off_;
  TunnelEnd end_ = TunnelEnd::none;
  std::array<Pump, tunnel_sides> pumps_{};
  std::array<bool, tunnel_sides> ended_{};    // have ended their stream
  std::optional<TunnelSide> reset_;           // heard of, and what came before it is still to be read
  std::uint8_t parted_ = 0;                   // sides that are through with a leaving
  std::array<bool, tunnel_sides> sending_{};  // kept pumps with more in hand than their streams know of
  const bool passes_on_ : 1;                  // both streams are sockets
  bool started_ : 1 = false;                  // its streams tell it what comes
  bool deaf_ : 1 = false;                     // a side takes no more
  bool frozen_ : 1 = false;
  bool let_go_ : 1 = false;
};

// With two sockets, and the frame that waits for its end, all an idle tunnel holds.
static_assert(sizeof(Tunnel) <= 496);

}  // namespace passerelle::proxy
