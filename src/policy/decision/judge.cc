#include "policy/decision/judge.h"

#include "protocol/websocket/handshake.h"

namespace passerelle::policy {

Parsed<Asked> judge(const MessageHead& request, const Limits& limits) {
  const auto target = http1::request_target(request);
  if (!target) return std::unexpected(target.error());
  if (const auto sound = http1::check_connection_options(request); !sound)
    return std::unexpected(sound.error());
  const auto framing = http1::request_framing(request, limits);
  if (!framing) return std::unexpected(framing.error());
  const auto websocket = websocket::asks_for_websocket(request, *framing);
  if (!websocket) return std::unexpected(websocket.error());
  // As Azure (behaviour sheet, section 2.4): HTTP/2 goes by TLS.
  if (!*websocket && request.has_token(FieldId::upgrade, "h2c")) return refuse(403, "an Upgrade to h2c");
  if (request.count(FieldId::expect) > 0 &&
      (request.count(FieldId::expect) > 1 || !request.has_token(FieldId::expect, "100-continue"))) {
    return refuse(400, "an Expect other than 100-continue");
  }
  return Asked{*target, *framing, *websocket};
}

}  // namespace passerelle::policy
