#include "admin/close_request.h"

#include "arm/json_reader.h"
#include "base/text.h"
#include "protocol/websocket/frame.h"

namespace passerelle::admin {
std::string_view tunnel_to_close(std::string_view path) {
  constexpr std::string_view before = "/api/v1/tunnels/", after = "/close";
  if (!path.starts_with(before) || !path.ends_with(after) || path.size() <= before.size() + after.size())
    return {};
  path.remove_prefix(before.size());
  path.remove_suffix(after.size());
  return path.find('/') == std::string_view::npos ? path : std::string_view();
}

std::expected<CloseRequest, std::string> read_close_request(std::string_view id, const std::string& body) {
  constexpr std::size_t reason_bytes_max = 123;  // RFC 6455 section 5.5
  CloseRequest out{.id = std::string(id)};
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) return out;
  arm::ProblemList problems({"body"});
  const auto asked = arm::read_json(body, 0, problems, {.strict = true});
  if (!asked || !asked->is_object())
    return std::unexpected(
        "a JSON object was expected, such as {\"code\": 1012, \"reason\": \"…\"}, or nothing");
  if (const auto* given = asked->find("code")) {
    const auto code = parse_decimal<std::uint16_t>(given->text);
    if (!code || !websocket::may_be_sent(*code))
      return std::unexpected("a Close has a code from 1000 to 1014 (not 1004 to 1006) or from 3000 to 4999");
    out.code = *code;
  }
  if (const auto* given = asked->find("reason")) {
    if (given->text.size() > reason_bytes_max || utf8_prefix(given->text) != given->text.size())
      return std::unexpected("a reason is text of at most 123 bytes");
    out.reason = given->text;
  }
  return out;
}

}  // namespace passerelle::admin
