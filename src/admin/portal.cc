#include "admin/portal.h"

#include <initializer_list>
#include <string>
#include <utility>

#include "admin/portal_files.h"
#include "base/text.h"

namespace passerelle::admin {
namespace {

// Nothing but itself, and nobody around it.
void add_page_policy(http::Response& page, bool secure) {
  for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
           {"Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' "
            "data:; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
           {"X-Content-Type-Options", "nosniff"},
           {"Referrer-Policy", "no-referrer"},
           {"Cross-Origin-Resource-Policy", "same-origin"},
           {"Cache-Control", "no-cache"}})
    page.fields.emplace_back(name, value);
  // Browsers complain of it where it comes in clear text.
  if (secure) page.fields.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
}

}  // namespace

std::optional<http::Response> portal_page(const http::Request& request) {
  const auto path = request.target.path == "/" ? std::string_view("/index.html") : request.target.path;
  for (const PortalFile& file : portal_files()) {
    if (file.path != path) continue;
    http::Response out{200, std::string(file.content_type), {}, {{"ETag", std::string(file.etag)}}};
    add_page_policy(out, request.secure);
    const auto known = request.head.find("If-None-Match").value_or("");
    if (trimmed(known) == "*" || known.find(file.etag) != std::string_view::npos)
      out.status = 304;
    else
      out.body = file.body;
    return out;
  }
  return std::nullopt;
}

}  // namespace passerelle::admin
