#include "protocol/field_id.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

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
using Words = std::array<std::uint64_t, 3>;

// A name in lower case as at most three words, which overlap where it does not fill them: two names of one
// length are the same where these are. Of letters, digits and '-' the bit that is set here makes lower case
// or is set already; what else it could make of another octet no token holds.
constexpr Words words_of(std::string_view name) {
  const auto word = [&](std::size_t at, std::size_t size) {
    std::uint64_t out = 0;
    if consteval {
      for (std::size_t i = 0; i < size; ++i)
        out |= std::uint64_t{static_cast<unsigned char>(name[at + i])} << (8 * i);
    } else {
      if (size == 8) std::memcpy(&out, name.data() + at, 8);
      if (size == 4) std::memcpy(&out, name.data() + at, 4);
      if (size == 2) std::memcpy(&out, name.data() + at, 2);
    }
    return out | 0x2020202020202020;
  };
  const std::size_t size = name.size();
  if (size > 16) return {word(0, 8), word(8, 8), word(size - 8, 8)};
  if (size >= 8) return {word(0, 8), word(size - 8, 8), 0};
  if (size >= 4) return {word(0, 4), word(size - 4, 4), 0};
  if (size >= 2) return {word(0, 2), word(size - 2, 2), 0};
  return {};
}
static_assert(std::endian::native == std::endian::little);

struct Entry {
  Words words{};
  FieldId id = FieldId::other;
};

// Where each length begins: a name is compared only with those of its own length.
struct ByLength {
  std::array<Entry, known.size()> entries{};
  std::array<std::uint8_t, longest + 2> begin{};
};

constexpr ByLength by_length = [] {
  ByLength out;
  std::array<Known, known.size()> sorted = known;
  std::ranges::sort(sorted, {}, [](const Known& k) { return k.name.size(); });
  std::ranges::transform(sorted, out.entries.begin(),
                         [](const Known& k) { return Entry{words_of(k.name), k.id}; });
  for (std::size_t length = 0; length < out.begin.size(); ++length) {
    out.begin[length] = static_cast<std::uint8_t>(
        std::ranges::count_if(known, [&](const Known& k) { return k.name.size() < length; }));
  }
  return out;
}();

}  // namespace

FieldId field_id(std::string_view name) {
  if (name.size() > longest || name.size() < 2) return FieldId::other;
  const Words words = words_of(name);
  for (std::size_t i = by_length.begin[name.size()]; i < by_length.begin[name.size() + 1]; ++i) {
    if (by_length.entries[i].words == words) return by_length.entries[i].id;
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
