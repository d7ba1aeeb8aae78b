#include "protocol/http2/request_head.h"

#include "base/text.h"
#include "protocol/http1/characters.h"

namespace passerelle::http2 {
void RequestHead::begin(MessageHead& head) {
  head.clear();
  head_ = &head;
  pseudo_ = {};
  cookies_.clear();
  bytes_ = 0;
  refusal_ = {0, ""};
}

void RequestHead::refuse_once(int status, const char* what) {
  if (refusal_.status == 0) refusal_ = {status, what};
}

void RequestHead::add(BytesView name, BytesView value, const Limits& limits) {
  bytes_ += name.size() + value.size() + field_overhead;
  if (name.size() + value.size() > limits.h2_field_bytes_max)
    refuse_once(431, "a header field is longer than h2_field_bytes_max");
  if (bytes_ > limits.h2_head_bytes_max)
    refuse_once(431, "the header fields are longer than h2_head_bytes_max");
  if (head_->fields.size() >= limits.header_fields_max)
    refuse_once(431, "there are more header fields than header_fields_max");
  if (refusal_.status != 0) return;
  if (!http1::all(value, http1::value_character)) {
    refuse_once(400, "a header field's value holds a control character");
  } else if (name.starts_with(':')) {
    add_pseudo(name, value);
  } else if (!http1::is_token(name)) {
    refuse_once(400, "a header field's name is empty or holds a character that may not stand there");
  } else if (name == "cookie") {
    // Section 8.2.3: pieces of one field.
    if (!cookies_.empty()) cookies_ += "; ";
    cookies_ += value;
  } else {
    head_->add(name, value);
  }
}

void RequestHead::add_pseudo(BytesView name, BytesView value) {
  const MessageHead::Span span = head_->append(value);
  if (name == ":method")
    pseudo_.method = span;
  else if (name == ":scheme")
    pseudo_.scheme = span;
  else if (name == ":authority")
    pseudo_.authority = span;
  else if (name == ":path")
    pseudo_.path = span;
  else if (name == ":protocol")
    pseudo_.protocol = span;
  else
    refuse_once(400, "a pseudo-header field that is not known");
}

void RequestHead::check(std::string_view method, bool websocket, bool ended) {
  const bool connect = method == "CONNECT";
  const std::string_view scheme = head_->view(pseudo_.scheme);
  if (!http1::is_token(method)) refuse_once(400, "the :method is not a token");
  if (connect && pseudo_.protocol.size > 0 && !websocket)
    refuse_once(501, "a :protocol other than websocket");
  if (websocket && ended) refuse_once(400, "a WebSocket whose stream has ended");
  if ((!connect || websocket) && scheme != "https" && scheme != "http")
    refuse_once(400, "the :scheme is neither https nor http");
  if (!http1::all(head_->view(pseudo_.path), http1::target_character))
    refuse_once(400, "the :path holds a character that may not stand there");
  // Section 8.3.1: where both are there, they are the same.
  const auto host = head_->find(FieldId::host);
  const std::string_view authority = head_->view(pseudo_.authority);
  if (head_->count(FieldId::host) > 1 ||
      (host && !authority.empty() && !equals_ignoring_case(*host, authority)))
    refuse_once(400, "Host is not what :authority is");
}

Parsed<RequestHead::Kind> RequestHead::finish(bool ended) {
  MessageHead& head = *head_;
  const std::string_view method = head.view(pseudo_.method);
  const bool websocket =
      method == "CONNECT" && equals_ignoring_case(head.view(pseudo_.protocol), "websocket");
  check(method, websocket, ended);
  const bool connect = method == "CONNECT" && !websocket;
  head.major_version = 2;
  HeadBuilder::set_method(head, websocket ? head.append("GET") : pseudo_.method);
  HeadBuilder::set_target(head, connect ? pseudo_.authority : pseudo_.path);
  if (refusal_.status != 0) return std::unexpected(refusal_);
  if (head.count(FieldId::host) == 0 && pseudo_.authority.size > 0)
    head.add({.name = head.append("Host"), .value = pseudo_.authority, .id = FieldId::host});
  if (!cookies_.empty()) head.add(FieldId::cookie, "Cookie", cookies_);
  if (websocket) {
    // RFC 8441 section 5: the key and its answer have no part in it.
    std::erase_if(head.fields, [](const auto& field) { return field.id == FieldId::sec_websocket_key; });
    head.add(FieldId::connection, "Connection", "Upgrade");
    head.add(FieldId::upgrade, "Upgrade", "websocket");
  } else if (!ended && head.count(FieldId::content_length) == 0) {
    head.add(FieldId::transfer_encoding, "Transfer-Encoding", "chunked");
  }
  return Kind{ended, websocket};
}

}  // namespace passerelle::http2
