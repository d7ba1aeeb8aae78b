#include "protocol/field_id.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace passerelle {
namespace {

struct Known {
  std::string_view name;
  FieldId id;
};

constexpr std::array known = {
    Known{"connection", FieldId::connection},
    Known{"content-length", FieldId::content_length},
    Known{"content-type", FieldId::content_type},
    Known{"cookie", FieldId::cookie},
    Known{"date", FieldId::date},
    Known{"expect", FieldId::expect},
    Known{"host", FieldId::host},
    Known{"http2-settings", FieldId::http2_settings},
    Known{"keep-alive", FieldId::keep_alive},
    Known{"origin", FieldId::origin},
    Known{"proxy-authenticate", FieldId::proxy_authenticate},
    Known{"proxy-authorization", FieldId::proxy_authorization},
    Known{"proxy-connection", FieldId::proxy_connection},
    Known{"sec-websocket-accept", FieldId::sec_websocket_accept},
    Known{"sec-websocket-extensions", FieldId::sec_websocket_extensions},
    Known{"sec-websocket-key", FieldId::sec_websocket_key},
    Known{"sec-websocket-protocol", FieldId::sec_websocket_protocol},
    Known{"sec-websocket-version", FieldId::sec_websocket_version},
    Known{"server", FieldId::server},
    Known{"set-cookie", FieldId::set_cookie},
    Known{"te", FieldId::te},
    Known{"trailer", FieldId::trailer},
    Known{"transfer-encoding", FieldId::transfer_encoding},
    Known{"upgrade", FieldId::upgrade},
    Known{"user-agent", FieldId::user_agent},
    Known{"x-appgw-trace-id", FieldId::x_appgw_trace_id},
    Known{"x-forwarded-for", FieldId::x_forwarded_for},
    Known{"x-forwarded-port", FieldId::x_forwarded_port},
    Known{"x-forwarded-proto", FieldId::x_forwarded_proto},
    Known{"x-original-host", FieldId::x_original_host},
    Known{"x-original-url", FieldId::x_original_url},
};

constexpr std::size_t longest = 24;

// Where each length begins in `by_length`: a name is compared only with those of its own length.
struct ByLength {
  std::array<Known, known.size()> entries = known;
  std::array<std::uint8_t, longest + 2> begin{};
};

constexpr ByLength make_by_length() {
  ByLength out;
  std::ranges::sort(out.entries, {}, [](const Known& k) { return k.name.size(); });
  for (std::size_t length = 0; length < out.begin.size(); ++length) {
    out.begin[length] = static_cast<std::uint8_t>(
        std::ranges::count_if(out.entries, [&](const Known& k) { return k.name.size() < length; }));
  }
  return out;
}

const ByLength by_length = make_by_length();

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() > longest) return FieldId::other;
  const char first = ascii_lower(name.empty() ? '\0' : name.front());
  for (std::size_t i = by_length.begin[name.size()]; i < by_length.begin[name.size() + 1]; ++i) {
    const Known& candidate = by_length.entries[i];
    if (candidate.name.front() == first && equals_ignoring_case(candidate.name, name)) return candidate.id;
  }
  return FieldId::other;
}

FieldId twin_field_id(std::string_view name) {
  if (name.size() > longest || name.find_first_of("_.") == std::string_view::npos) return FieldId::other;
  std::array<char, longest> twin{};
  std::ranges::transform(name, twin.begin(), [](char c) { return c == '_' || c == '.' ? '-' : c; });
  return field_id({twin.data(), name.size()});
}

}  // namespace passerelle
