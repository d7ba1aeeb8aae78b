// Connections to members: made, kept for the next request, given up.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "board/member.h"
#include "http/message_source.h"
#include "io/engine.h"
#include "telemetry/counters.h"
#include "tls/tls_stream.h"

namespace passerelle::proxy {

class UpstreamPool;

// How a member that speaks TLS is spoken to.
struct MemberTls {
  std::shared_ptr<const tls::ClientContext> context;  // null where it speaks clear text
  std::string_view server_name;                       // SNI
};

// One connection to a member. A resource of the exchange that uses it, or of the pool while idle.
class UpstreamConnection final : private io::StreamWatcher, private io::Timer, private io::Ready {
 public:
  UpstreamConnection(std::unique_ptr<io::Stream> stream_value, std::shared_ptr<board::Member> member_value,
                     const MemberTls& tls, const Limits& limits, http::Workspace& workspace)
      : stream(std::move(stream_value)),
        member(std::move(member_value)),
        context(tls.context),
        server_name(tls.server_name),
        source(*stream, http1::HeadKind::response, limits, workspace) {}

  std::unique_ptr<io::Stream> stream;
  std::shared_ptr<board::Member> member;
  // What it was verified by, and the SNI it was made with: requests that go by others have no business on it.
  const std::shared_ptr<const tls::ClientContext> context;
  const std::string server_name;
  http::MessageSource source;
  bool reused = false;
  [[nodiscard]] bool is_as(const MemberTls& tls) const {
    return !member->tls || (context == tls.context && server_name == tls.server_name);
  }

 private:
  friend class UpstreamPool;
  // While idle, any word from the member means the connection is of no more use.
  void on_readable() override;
  void on_peer_finished() override;
  void on_reset() override;
  void on_timer() override;
  void run() override;
  UpstreamPool* pool_ = nullptr;
};

// A worker's idle connections, by member. At most upstream_idle_connections_max each, for
// upstream_idle_timeout.
class UpstreamPool {
 public:
  UpstreamPool(io::Engine& engine, const Limits& limits) : engine_(engine), limits_(limits) {}

  // The freshest idle one that has said nothing since; null if there is none. `can_send_again`: what goes out
  // on it may be asked anew should it turn out to be dead.
  [[nodiscard]] std::unique_ptr<UpstreamConnection> take(const board::Member& member, const MemberTls& tls,
                                                         bool can_send_again);
  void put(std::unique_ptr<UpstreamConnection> connection);
  void clear() { idle_.clear(); }

 private:
  friend class UpstreamConnection;
  void discard(UpstreamConnection& connection);
  using Idle = std::vector<std::unique_ptr<UpstreamConnection>>;
  std::unordered_map<const board::Member*, Idle> idle_;
  io::Engine& engine_;
  const Limits& limits_;
};

// Connects to the member, with TLS if it speaks that.
[[nodiscard]] io::Task<Result<std::unique_ptr<io::Stream>>> connect_member(io::Engine& engine,
                                                                           const board::Member& member,
                                                                           const MemberTls& tls,
                                                                           tls::Workspace& workspace,
                                                                           io::Wait wait);

}  // namespace passerelle::proxy
