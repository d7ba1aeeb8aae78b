// POST /api/v1/tunnels/{id}/close.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace passerelle::admin {

// A value.
struct CloseRequest {
  std::string id;
  std::uint16_t code = 1001;
  std::string reason = "closed by the operator";
};

// The id in the path; empty: it is no such path.
[[nodiscard]] std::string_view tunnel_to_close(std::string_view path);
// `body`: {"code": 1012, "reason": "…"}, both optional, or nothing. The error is a sentence.
[[nodiscard]] std::expected<CloseRequest, std::string> read_close_request(std::string_view id,
                                                                          const std::string& body);

}  // namespace passerelle::admin
