#include "proxy/error_page.h"

#include <fmt/format.h>

#include <iterator>

#include "protocol/http_status.h"

namespace passerelle::proxy {

std::shared_ptr<const std::string> find_custom_page(const std::vector<model::ErrorPage>& pages, int status) {
  for (const model::ErrorPage& page : pages) {
    if (page.status == status) return page.body;
  }
  return nullptr;
}

void append_error_body(std::string& out, const ErrorPage& page) {
  fmt::format_to(
      std::back_inserter(out),
      "<html>\r\n<head><title>{0} {1}</title></head>\r\n<body>\r\n<center><h1>{0} {1}</h1></center>\r\n",
      page.status, reason_phrase(page.status));
  if (!page.note.empty()) fmt::format_to(std::back_inserter(out), "<center>{}</center>\r\n", page.note);
  out += "<hr><center>Passerelle</center>\r\n</body>\r\n</html>\r\n";
}

void make_error_head(MessageHead& out, const ErrorPage& page, std::size_t body_bytes) {
  out.clear();
  out.set_response(page.status, reason_phrase(page.status));
  out.add("Server", "Passerelle");
  out.add(FieldId::date, "Date", page.date);
  out.add(FieldId::content_type, "Content-Type", "text/html");
  out.add(FieldId::content_length, "Content-Length", fmt::format_int(body_bytes).c_str());
  if (page.status == 405) out.add("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH");
  if (!page.location.empty()) out.add("Location", page.location);
  if (page.retry_after.count() > 0) out.add("Retry-After", fmt::format_int(page.retry_after.count()).c_str());
  out.add(FieldId::connection, "Connection", page.keep_alive ? "keep-alive" : "close");
}

std::string_view error_info(int status) {
  switch (status) {
    case 400: return "ERRORINFO_INVALID_REQUEST";
    case 405: return "ERRORINFO_INVALID_METHOD";
    case 413: return "ERRORINFO_INVALID_CONTENT_LENGTH";
    case 414: return "ERRORINFO_REQUEST_URI_INVALID";
    case 431: return "ERRORINFO_INVALID_REQUEST";
    case 499: return "ERRORINFO_CLIENT_CLOSED_REQUEST";
    case 502: return "ERRORINFO_UPSTREAM_CLOSED_CONNECTION";
    case 504: return "ERRORINFO_UPSTREAM_TIMED_OUT";
    case 505: return "ERRORINFO_INVALID_VERSION";
    default: return "ERRORINFO_NO_ERROR";
  }
}

}  // namespace passerelle::proxy
