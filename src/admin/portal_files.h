// The portal, as it was bundled into the binary: portal/ in the repository.
#pragma once

#include <span>
#include <string_view>

namespace passerelle::admin {

struct PortalFile {
  std::string_view path;  // "/app.js"
  std::string_view content_type;
  std::string_view etag;  // quoted: RFC 9110 section 8.8.3
  std::string_view body;
};

// Made by portal/build.mjs.
[[nodiscard]] std::span<const PortalFile> portal_files();

}  // namespace passerelle::admin
