#include "protocol/http1/head_writer.h"

#include <fmt/format.h>

namespace passerelle::http1 {
namespace {

void append_fields(std::string& out, const MessageHead& head) {
  for (const auto& field : head.fields) {
    out += head.name(field);
    out += ": ";
    out += head.value(field);
    out += "\r\n";
  }
  out += "\r\n";
}

}  // namespace

void append_request_head(std::string& out, const MessageHead& head) {
  out += head.method();
  out += ' ';
  out += head.target();
  out += " HTTP/1.1\r\n";
  append_fields(out, head);
}

void append_response_head(std::string& out, const MessageHead& head) {
  const fmt::format_int status(head.status);
  out += "HTTP/1.1 ";
  out.append(status.data(), status.size());
  out += ' ';
  out += head.reason();
  out += "\r\n";
  append_fields(out, head);
}

}  // namespace passerelle::http1
