// The gateway's own answers: the shape of Azure's pages, with our own token (behaviour sheet, section 13).
#pragma once

#include <string>
#include <string_view>

namespace passerelle::proxy {

[[nodiscard]] std::string_view reason_phrase(int status);

struct ErrorPage {
  int status = 500;
  std::string_view date;
  bool keep_alive = false;
  bool with_body = true;         // false: for HEAD
  std::string_view location;     // of a redirect
  std::string_view custom = {};  // in place of our own body
};

// The whole response.
void append_error_page(std::string& out, const ErrorPage& page);

// Azure's error_info word for a refusal.
[[nodiscard]] std::string_view error_info(int status);

}  // namespace passerelle::proxy
