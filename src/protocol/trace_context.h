// traceparent (W3C Trace Context, section 3.2): passed on as it is; read here to be logged.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace passerelle {

// The trace's id, 32 hex digits; empty where the field is none.
[[nodiscard]] constexpr std::string_view trace_id_of(std::string_view traceparent) {
  // version-traceid-parentid-flags; later versions may have more behind another '-'.
  constexpr std::string_view shape = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
  constexpr std::size_t id_at = 3, id_size = 32;
  if (traceparent.size() < shape.size() ||
      (traceparent.size() > shape.size() &&
       (traceparent.starts_with("00") || traceparent[shape.size()] != '-')))
    return {};
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const char c = traceparent[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (shape[i] == 'x' ? !hex : c != '-') return {};
  }
  const std::string_view id = traceparent.substr(id_at, id_size);
  const bool zero = std::ranges::all_of(id, [](char c) { return c == '0'; });
  return zero || traceparent.starts_with("ff") ? std::string_view() : id;
}

}  // namespace passerelle
