#include "base/problem.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json_writer.h"

namespace passerelle {

namespace {

// A problem is one line, whatever the words it repeats hold.
std::string on_one_line(const std::string& text) {
  constexpr unsigned char space = 0x20, del = 0x7f;
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < space || byte == del)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string Problem::to_string() const {
  std::string out = where.file.empty() ? "passerelle" : where.file;
  if (where.line > 0) out += fmt::format(":{}:{}", where.line, where.column);
  out += fmt::format(": {}: {}: {}", severity == Severity::error ? "error" : "warning", code, message);
  if (!path.empty()) out += fmt::format(" [{}]", path);
  return on_one_line(out);
}

void Problem::append_json(std::string& out) const {
  JsonWriter json(out);
  json.begin_object().member("file", where.file).member("line", where.line).member("column", where.column);
  json.member("severity", severity == Severity::error ? "error" : "warning");
  json.member("code", code).member("message", message).member("path", path).end_object();
}

bool has_errors(const Problems& problems) {
  return std::ranges::any_of(problems, [](const Problem& p) { return p.severity == Severity::error; });
}

}  // namespace passerelle
