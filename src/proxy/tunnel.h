// After a 101: bytes both ways, until both sides have ended.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "board/member.h"
#include "io/task.h"
#include "io/task_group.h"
#include "protocol/websocket/frame_observer.h"
#include "proxy/activity_timer.h"
#include "proxy/snapshot.h"
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

// What both sides are told when a tunnel has to end (RFC 6455 section 7.4.1).
struct Farewell {
  std::uint16_t code = 1001;
  std::string_view reason = {};  // a literal
};

// What an exchange returns when it has become a tunnel; then it is gone.
struct TunnelPlan {
  std::unique_ptr<io::Stream> client;
  std::unique_ptr<io::Stream> backend;
  std::string early_from_client;   // sent before the 101 was there
  std::string early_from_backend;  // sent right behind the 101
  TunnelTag tag;
};

// A resource, owned by the task that runs it. The worker lists it while it lives.
class Tunnel final : public ListNode {
 public:
  Tunnel(Worker& worker, TunnelPlan plan);
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  [[nodiscard]] io::Task<> run();
  // Ends it from outside, for this reason, at once.
  void end(TunnelEnd why);
  // Ends it with a Close to both sides, each on a frame boundary, and closes when both have answered, or when
  // the time is up. What either side says meanwhile goes nowhere.
  void leave(TunnelEnd why, const Farewell& farewell);
  [[nodiscard]] bool leaving() const { return leaving_ != nullptr; }

  [[nodiscard]] const TunnelTag& tag() const { return tag_; }
  [[nodiscard]] TimePoint opened() const { return opened_; }
  struct Direction {
    static constexpr std::uint32_t frames_remembered = 3;
    websocket::FrameObserver frames;
    std::uint64_t bytes = 0;
    std::uint64_t messages = 0;
    struct Frame {
      std::uint32_t bytes = 0;  // of its payload; 4 GiB and more are one
      std::uint8_t first = 0;
    };
    std::array<Frame, frames_remembered> last_frames;  // in turn
    std::uint32_t frames_seen = 0;                     // counted round
  };
  [[nodiscard]] const Direction& from_client() const { return from_client_; }
  [[nodiscard]] const Direction& from_backend() const { return from_backend_; }

 private:
  class Watcher;
  struct Told;
  enum class Side : std::uint8_t { client, backend };
  void keep_early(Side side, std::string bytes);
  io::Task<> pump(Side side);
  // The end of a pump when the tunnel leaves: the frame under way, our Close, and what the side says until
  // its own.
  io::Task<> part(Side side);
  io::Task<> send_close(Side from);
  io::Task<> end_in_time();
  // Shows the bytes to the observer and counts them.
  void note(Side side, BytesView bytes);
  void end_after_silence(Duration limit);
  void note_end(Side side);
  void note_failure(Side side, const Error& error);
  void note_deaf(Side side, const Error& error);
  [[nodiscard]] telemetry::RouteTunnels* route_counters() const;
  [[nodiscard]] std::uint16_t close_code() const;
  void count_end();
  void log_close();

  Worker& worker_;
  std::unique_ptr<io::Stream> client_;
  std::unique_ptr<io::Stream> backend_;
  TunnelTag tag_;
  io::TaskGroup group_;
  io::StopSource receives_;               // of the pumps: told when the tunnel is to leave
  std::unique_ptr<ActivityTimer> timer_;  // where silence has a limit
  TimePoint opened_;
  std::array<std::unique_ptr<std::string>, 2> early_;  // by side; until sent, and mostly nothing
  Direction from_client_;
  Direction from_backend_;
  struct Leaving {
    Farewell farewell;
    TimePoint deadline;
  };
  std::unique_ptr<const Leaving> leaving_;
  TunnelEnd end_ = TunnelEnd::none;
  std::uint8_t parted_ = 0;  // sides that are through with a leaving
  std::uint8_t sides_ended_ = 0;
};

// Carries it to its end.
[[nodiscard]] io::Task<> run_tunnel(std::unique_ptr<Tunnel> tunnel);

}  // namespace passerelle::proxy
