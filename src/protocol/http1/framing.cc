#include "protocol/http1/framing.h"

#include "base/text.h"

namespace passerelle::http1 {

Parsed<Framing> request_framing(const MessageHead& head, const Limits& limits) {
  const auto encodings = head.count(FieldId::transfer_encoding);
  const auto lengths = head.count(FieldId::content_length);
  if (encodings > 0) {
    if (lengths > 0) return refuse(400, "Content-Length and Transfer-Encoding together");
    if (head.minor_version == 0) return refuse(400, "Transfer-Encoding in HTTP/1.0");
    if (encodings > 1) return refuse(400, "more than one Transfer-Encoding");
    const auto coding = *head.find(FieldId::transfer_encoding);
    if (equals_ignoring_case(coding, "chunked")) return Framing{Framing::Kind::chunked, 0};
    // A list that ends in chunked is well formed, and a 501 by RFC 9112 section 6.1; anything else leaves the
    // length unknown.
    const auto comma = coding.rfind(',');
    const bool ends_chunked =
        comma != std::string_view::npos && equals_ignoring_case(trimmed(coding.substr(comma + 1)), "chunked");
    return ends_chunked && !list_has_token(coding.substr(0, comma), "chunked")
               ? refuse(501, "a transfer coding other than chunked")
               : refuse(400, "Transfer-Encoding is not chunked");
  }
  if (lengths == 0) return Framing{};
  if (lengths > 1) return refuse(400, "more than one Content-Length");
  const auto length = parse_decimal<std::uint64_t>(*head.find(FieldId::content_length));
  if (!length) return refuse(400, "Content-Length is not a number");
  if (*length > limits.body_bytes_max) return refuse(413, "the body is longer than body_bytes_max");
  return Framing{*length == 0 ? Framing::Kind::none : Framing::Kind::length, *length};
}

Parsed<Framing> response_framing(const MessageHead& head, std::string_view method) {
  const auto encodings = head.count(FieldId::transfer_encoding);
  if (encodings > 0 && (head.count(FieldId::content_length) > 0 || head.minor_version == 0 || encodings > 1 ||
                        !equals_ignoring_case(*head.find(FieldId::transfer_encoding), "chunked"))) {
    return refuse(502, "the response's Transfer-Encoding is not chunked alone");
  }
  // Repeated equal lengths are forgiven (RFC 9112 section 6.3); different ones are two messages.
  std::optional<std::uint64_t> length;
  for (const auto& field : head.fields) {
    if (field.id != FieldId::content_length) continue;
    const auto value = parse_decimal<std::uint64_t>(head.value(field));
    if (!value || (length && *length != *value))
      return refuse(502, "the response's Content-Length cannot be read");
    length = value;
  }
  if (method == "HEAD" || head.status < 200 || head.status == 204 || head.status == 304) return Framing{};
  if (encodings > 0) return Framing{Framing::Kind::chunked, 0};
  if (!length) return Framing{Framing::Kind::until_close, 0};
  return Framing{*length == 0 ? Framing::Kind::none : Framing::Kind::length, *length};
}

Parsed<void> check_connection_options(const MessageHead& head) {
  std::size_t options = 0;
  for (const auto& field : head.fields) {
    if (field.id == FieldId::connection)
      for_each_element(head.value(field), [&](std::string_view) { ++options; });
  }
  if (options > connection_options_max)
    return refuse(400, "Connection names more fields than connection_options_max");
  return {};
}

bool is_persistent(const MessageHead& head) {
  if (head.has_token(FieldId::connection, "close")) return false;
  return head.minor_version == 1 || head.has_token(FieldId::connection, "keep-alive");
}

}  // namespace passerelle::http1
