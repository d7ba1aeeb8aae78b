// The gateway's own answers: the shape of Azure's pages, with our own token (behaviour sheet, section 13).
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/gateway.h"
#include "protocol/message_head.h"

namespace passerelle::proxy {

// The page for a status, if there is one and it is here: a listener's come before the gateway's; errors
// before a listener is known have only the latter (section 13).
[[nodiscard]] std::shared_ptr<const std::string> find_custom_page(const std::vector<model::ErrorPage>& pages,
                                                                  int status);

struct ErrorPage {
  int status = 500;
  std::string_view date;
  bool keep_alive = false;
  std::string_view location = {};       // of a redirect
  std::string_view note = {};           // in our own body, under the headline
  std::chrono::seconds retry_after{0};  // none
};

// The response's head, for a body of this size; and its body, where there is no custom one.
void make_error_head(MessageHead& out, const ErrorPage& page, std::size_t body_bytes);
void append_error_body(std::string& out, const ErrorPage& page);

// Azure's error_info word for a refusal.
[[nodiscard]] std::string_view error_info(int status);

}  // namespace passerelle::proxy
