#include "protocol/cookies.h"

#include "base/text.h"

namespace passerelle {

std::optional<std::string_view> find_cookie(const MessageHead& request, std::string_view name) {
  for (const auto& field : request.fields) {
    if (field.id != FieldId::cookie) continue;
    std::string_view rest = request.value(field);
    while (!rest.empty()) {
      const auto [pair, others] = split_once(rest, ';');
      const auto [key, value] = split_once(trimmed(pair), '=');
      if (key == name) return value;
      rest = others;
    }
  }
  return std::nullopt;
}

}  // namespace passerelle
