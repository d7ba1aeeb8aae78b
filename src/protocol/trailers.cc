#include "protocol/trailers.h"

#include "base/text.h"

namespace passerelle {
namespace {

bool belongs_in_a_head(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::content_length:
    case FieldId::content_type:
    case FieldId::cookie:
    case FieldId::expect:
    case FieldId::host:
    case FieldId::http2_settings:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::set_cookie:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
    case FieldId::x_appgw_trace_id:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_port:
    case FieldId::x_forwarded_proto:
    case FieldId::x_original_host:
    case FieldId::x_original_url: return true;
    default: return false;
  }
}

bool belongs_in_a_head(std::string_view name) {
  return equals_ignoring_case(name, "authorization") || starts_with_ignoring_case(name, "content-") ||
         equals_ignoring_case(name, "cache-control") || equals_ignoring_case(name, "range");
}

}  // namespace

bool may_be_trailer(const MessageHead& trailers, const MessageHead::Field& field) {
  const std::string_view name = trailers.name(field);
  return !belongs_in_a_head(field.id) && !belongs_in_a_head(twin_field_id(name)) && !belongs_in_a_head(name);
}

}  // namespace passerelle
