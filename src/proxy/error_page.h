// The gateway's own answers: the shape of Azure's pages, with our own token (behaviour sheet, section 13).
#pragma once

#include <string>
#include <string_view>

namespace passerelle::proxy {

[[nodiscard]] std::string_view reason_phrase(int status);

// The whole response. `with_body` false: for HEAD.
void append_error_page(std::string& out, int status, std::string_view date, bool keep_alive, bool with_body);

// Azure's error_info word for a refusal.
[[nodiscard]] std::string_view error_info(int status);

}  // namespace passerelle::proxy
