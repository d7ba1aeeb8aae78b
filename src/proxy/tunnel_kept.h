// What a tunnel has beside its pumps where its listener has keepers.
#pragma once

#include "proxy/tunnel.h"
#include "proxy/worker.h"

namespace passerelle::proxy {

// The keeper, and the end of the tunnel's greatest age.
struct Tunnel::Kept final : private io::Timer {
  Kept(Tunnel& owner, const model::Keepers& settings)
      : keeper(settings, owner.worker_.engine.now()), tunnel(owner), receives(&owner.group_.stop_source()) {
    if (settings.tunnel_age_max)
      tunnel.worker_.engine.timers().arm(*this, tunnel.opened_ + *settings.tunnel_age_max);
  }
  Keeper keeper;
  Tunnel& tunnel;
  io::StopSource receives;  // of the pumps: told when the tunnel is to leave

 private:
  void on_timer() override {
    tunnel.leave(TunnelEnd::limit,
                 {.code = 1001, .reason = "the tunnel is as old as tunnelSecondsMax allows"});
  }
};

}  // namespace passerelle::proxy
