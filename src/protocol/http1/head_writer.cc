#include "protocol/http1/head_writer.h"

#include <fmt/format.h>

namespace passerelle::http1 {
namespace {

// Fields that stand behind one another in the head's own bytes, as they do where a message is passed on, are
// copied as they stand.
void append_fields(std::string& out, const MessageHead& head) {
  const std::string_view text = head.text;
  std::size_t begin = 0, end = 0;  // what is still to be copied, whole lines
  const auto flush = [&] { out.append(text.substr(begin, end - begin)); };
  for (const auto& field : head.fields) {
    if (!field.is_line) {
      flush();
      begin = end = 0;
      out += head.name(field);
      out += ": ";
      out += head.value(field);
      out += "\r\n";
      continue;
    }
    if (field.name.at != end) {
      flush();
      begin = field.name.at;
    }
    end = std::size_t{field.value.at} + field.value.size + 2;
  }
  flush();
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
