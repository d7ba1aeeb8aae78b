#include "policy/affinity/affinity.h"

#include <fmt/format.h>

#include "base/digest.h"
#include "base/text.h"
#include "protocol/cookies.h"

namespace passerelle::policy {
namespace {

constexpr std::string_view cross_site = "CORS";

}  // namespace

std::string affinity_value(std::string_view key, std::string_view member) {
  constexpr std::size_t bytes = 16;
  const auto digest = hmac_sha256(key, member);
  std::string out;
  append_hex(out, {digest.data(), bytes});
  return out;
}

std::optional<std::string_view> affinity_asked(const MessageHead& request, std::string_view name) {
  if (const auto value = find_cookie(request, name)) return value;
  return find_cookie(request, std::string(name) + std::string(cross_site));
}

void add_affinity_cookies(MessageHead& response, std::string_view name, std::string_view value) {
  response.add(FieldId::set_cookie, "Set-Cookie",
               fmt::format("{}{}={}; Path=/; SameSite=None; Secure", name, cross_site, value));
  response.add(FieldId::set_cookie, "Set-Cookie", fmt::format("{}={}; Path=/", name, value));
}

}  // namespace passerelle::policy
