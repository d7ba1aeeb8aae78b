#include "tls/server_name.h"

#include <cstddef>

namespace passerelle::tls {
namespace {

// A 16-bit length, and as many bytes.
std::optional<std::string_view> take_vector(std::string_view& from) {
  if (from.size() < 2) return std::nullopt;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(from[i]));
  };
  const std::size_t size = byte(0) << 8 | byte(1);
  if (from.size() - 2 < size) return std::nullopt;
  const std::string_view out = from.substr(2, size);
  from.remove_prefix(2 + size);
  return out;
}

}  // namespace

std::optional<std::string_view> parse_server_name(std::string_view extension) {
  constexpr char host_name = 0;
  constexpr std::size_t name_bytes_max = 255;
  auto names = take_vector(extension);
  if (!names || !extension.empty()) return std::nullopt;
  while (!names->empty()) {
    const char type = names->front();
    names->remove_prefix(1);
    auto name = take_vector(*names);
    if (!name) return std::nullopt;
    if (type != host_name) continue;
    const bool sound =
        !name->empty() && name->size() <= name_bytes_max && name->find('\0') == std::string_view::npos;
    return sound ? name : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace passerelle::tls
