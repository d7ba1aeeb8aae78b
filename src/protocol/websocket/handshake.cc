#include "protocol/websocket/handshake.h"

#include "base/digest.h"
#include "base/text.h"

namespace passerelle::websocket {

Parsed<bool> asks_for_websocket(const MessageHead& head, const http1::Framing& framing) {
  if (head.minor_version != 1 || head.method() != "GET" || !head.has_token(FieldId::connection, "upgrade") ||
      !head.has_token(FieldId::upgrade, "websocket")) {
    return false;
  }
  if (framing.has_body()) return refuse(400, "a WebSocket handshake has no body");
  if (head.count(FieldId::sec_websocket_key) != 1)
    return refuse(400, "a WebSocket handshake has exactly one Sec-WebSocket-Key");
  const auto key = from_base64(*head.find(FieldId::sec_websocket_key));
  if (!key || key->size() != 16) return refuse(400, "Sec-WebSocket-Key is not 16 bytes of base64");
  return true;
}

std::string accept_for(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const auto digest = sha1(text);
  return to_base64({digest.data(), digest.size()});
}

Parsed<void> check_switch(const MessageHead& response, std::string_view expected_accept) {
  const auto upgrade = response.find(FieldId::upgrade);
  if (response.count(FieldId::upgrade) != 1 || !equals_ignoring_case(*upgrade, "websocket")) {
    return refuse(502, "the backend's 101 is not for the websocket protocol");
  }
  if (!response.has_token(FieldId::connection, "upgrade"))
    return refuse(502, "the backend's 101 lacks Connection: Upgrade");
  if (response.count(FieldId::sec_websocket_accept) != 1 ||
      *response.find(FieldId::sec_websocket_accept) != expected_accept) {
    return refuse(502, "the backend's 101 has a missing or wrong Sec-WebSocket-Accept");
  }
  // Some servers write "Content-Length: 0" on every response; that announces nothing, and is not forwarded.
  for (const auto& field : response.fields) {
    const bool announces = field.id == FieldId::transfer_encoding ||
                           (field.id == FieldId::content_length && response.value(field) != "0");
    if (announces) return refuse(502, "the backend's 101 announces a body");
  }
  return {};
}

}  // namespace passerelle::websocket
