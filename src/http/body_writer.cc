#include "http/body_writer.h"

#include "base/text.h"
#include "protocol/http1/chunked_decoder.h"

namespace passerelle::http {
namespace {

// RFC 9110 section 6.5.1: framing, routing and authentication never travel in trailers.
bool may_be_trailer(FieldId id) {
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
    case FieldId::x_original_url: return false;
    default: return true;
  }
}

// The same section: what says how to read or whom to trust comes too late behind the body.
bool belongs_in_a_head(std::string_view name) {
  return equals_ignoring_case(name, "authorization") || starts_with_ignoring_case(name, "content-") ||
         equals_ignoring_case(name, "cache-control") || equals_ignoring_case(name, "range");
}

void append_trailers(std::string& out, const MessageHead* trailers) {
  if (trailers == nullptr) return;
  for (const auto& field : trailers->fields) {
    if (!may_be_trailer(field.id) || !may_be_trailer(twin_field_id(trailers->name(field))) ||
        belongs_in_a_head(trailers->name(field)))
      continue;
    out += trailers->name(field);
    out += ": ";
    out += trailers->value(field);
    out += "\r\n";
  }
}

}  // namespace

BytesView BodyWriter::assemble(BytesView data) {
  const bool chunked = kind_ == http1::Framing::Kind::chunked;
  if (!head_ && !chunked) return data;
  std::string& out = workspace_.assembled;
  out.clear();
  if (head_) {
    out += head_->bytes;
    head_.reset();
  }
  if (chunked)
    http1::append_chunk(out, data);
  else
    out += data;
  return out;
}

io::Task<Result<>> BodyWriter::write(BytesView data, io::Wait wait) {
  const BytesView out = assemble(data);
  if (out.empty()) co_return Result<>();
  bytes_sent_ += out.size();
  co_return co_await stream_.send(out, wait);
}

io::Task<Result<>> BodyWriter::finish(BytesView last, const MessageHead* trailers, io::Wait wait) {
  BytesView out = assemble(last);
  if (kind_ == http1::Framing::Kind::chunked) {
    workspace_.assembled += "0\r\n";
    append_trailers(workspace_.assembled, trailers);
    workspace_.assembled += "\r\n";
    out = workspace_.assembled;
  }
  if (out.empty()) co_return Result<>();
  bytes_sent_ += out.size();
  co_return co_await stream_.send(out, wait);
}

}  // namespace passerelle::http
