#include "http/body_writer.h"

#include "protocol/http1/chunked_decoder.h"
#include "protocol/trailers.h"

namespace passerelle::http {
namespace {

void append_trailers(std::string& out, const MessageHead* trailers) {
  if (trailers == nullptr) return;
  for (const auto& field : trailers->fields) {
    if (!may_be_trailer(*trailers, field)) continue;
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
    out.swap(head_->bytes);
    head_.reset();
  }
  if (chunked)
    http1::append_chunk(out, data);
  else
    out += data;
  return out;
}

io::SendOperation BodyWriter::write(BytesView data, io::Wait wait) {
  const BytesView out = assemble(data);
  bytes_sent_ += out.size();
  return stream_.send(out, wait);
}

io::SendOperation BodyWriter::finish(BytesView last, const MessageHead* trailers, io::Wait wait) {
  BytesView out = assemble(last);
  if (kind_ == http1::Framing::Kind::chunked) {
    workspace_.assembled += "0\r\n";
    append_trailers(workspace_.assembled, trailers);
    workspace_.assembled += "\r\n";
    out = workspace_.assembled;
  }
  bytes_sent_ += out.size();
  return stream_.send(out, wait);
}

}  // namespace passerelle::http
