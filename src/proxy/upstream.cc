#include "proxy/upstream.h"

#include <algorithm>

namespace passerelle::proxy {

void UpstreamConnection::on_readable() { pool_->engine_.run_soon(*this); }
void UpstreamConnection::on_peer_finished() { pool_->engine_.run_soon(*this); }
void UpstreamConnection::on_reset() { pool_->engine_.run_soon(*this); }
void UpstreamConnection::on_timer() { pool_->discard(*this); }
// Session tickets of a TLS member's are no words.
void UpstreamConnection::run() {
  if (!stream->quiet()) pool_->discard(*this);
}

std::unique_ptr<UpstreamConnection> UpstreamPool::take(const board::Member& member, const MemberTls& tls,
                                                       bool can_send_again) {
  const auto found = idle_.find(&member);
  if (found == idle_.end()) return nullptr;
  Idle& idle = found->second;
  for (std::size_t i = idle.size(); i-- > 0;) {
    if (!idle[i]->is_as(tls)) continue;
    auto connection = std::move(idle[i]);
    idle.erase(idle.begin() + static_cast<std::ptrdiff_t>(i));
    connection->Timer::disarm();
    connection->Ready::unlink();
    connection->stream->watch(nullptr);
    // Bytes nobody asked for, or an end: the answer to the next request would not be ours (response queue
    // poisoning). What can be sent again takes the engine's word for it, and saves a call.
    io::Stream& stream = *connection->stream;
    if (!(can_send_again && stream.seems_quiet()) && !stream.quiet()) continue;
    connection->reused = true;
    return connection;
  }
  return nullptr;
}

void UpstreamPool::put(std::unique_ptr<UpstreamConnection> connection) {
  Idle& idle = idle_[connection->member.get()];
  if (idle.size() >= limits_.upstream_idle_connections_max) return;
  connection->source.rest();
  connection->pool_ = this;
  engine_.timers().arm(*connection, engine_.now() + limits_.upstream_idle_timeout);
  UpstreamConnection& kept = *connection;
  idle.push_back(std::move(connection));
  kept.stream->watch(&kept);
}

void UpstreamPool::discard(UpstreamConnection& connection) {
  const auto found = idle_.find(connection.member.get());
  if (found == idle_.end()) return;
  std::erase_if(found->second, [&](const auto& kept) { return kept.get() == &connection; });
  if (found->second.empty()) idle_.erase(found);
}

io::Task<Result<std::unique_ptr<io::Stream>>> connect_member(io::Engine& engine, const board::Member& member,
                                                             const MemberTls& tls, tls::Workspace& workspace,
                                                             io::Wait wait) {
  auto connected = co_await engine.connect(member.endpoint, wait);
  if (!connected || !member.tls) co_return std::move(connected);
  auto secured = std::make_unique<tls::TlsStream>(std::move(*connected), *tls.context, workspace,
                                                  std::string(tls.server_name));
  if (auto shaken = co_await secured->handshake(wait); !shaken) co_return std::unexpected(shaken.error());
  co_return Result<std::unique_ptr<io::Stream>>(std::move(secured));
}

}  // namespace passerelle::proxy
