// The header fields a gateway must know, as numbers: one comparison instead of many.
#pragma once

#include <cstdint>
#include <string_view>

namespace passerelle {

enum class FieldId : std::uint8_t {
  other,
  connection,
  content_length,
  content_type,
  cookie,
  date,
  expect,
  host,
  http2_settings,
  keep_alive,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  sec_websocket_accept,
  sec_websocket_extensions,
  sec_websocket_key,
  sec_websocket_protocol,
  sec_websocket_version,
  server,
  set_cookie,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  user_agent,
  x_appgw_trace_id,
  x_forwarded_for,
  x_forwarded_port,
  x_forwarded_proto,
  x_original_host,
  x_original_url,  // the last
};

inline constexpr unsigned field_ids = static_cast<unsigned>(FieldId::x_original_url) + 1;

// Ignores case. `other` for every name not listed.
[[nodiscard]] FieldId field_id(std::string_view name);

// The field a CGI-like backend takes "X_Forwarded_For" or "X.Forwarded.For" for; `other` where the name has
// neither.
[[nodiscard]] FieldId twin_field_id(std::string_view name);

}  // namespace passerelle
