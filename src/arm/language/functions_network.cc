// CIDR functions: parseCidr, cidrSubnet, cidrHost; IPv4 and IPv6.
#include <fmt/format.h>

#include <array>

#include "arm/language/functions.h"
#include "base/endpoint.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

// An address as a number: bits of v6, or of v4 in the lowest 32.
__extension__ typedef unsigned __int128
    Bits;  // NOLINT(modernize-use-using): an extension says so only this way

struct Network {
  bool v6 = false;
  Bits address = 0;
  unsigned prefix = 0;
  [[nodiscard]] unsigned width() const { return v6 ? 128 : 32; }
  [[nodiscard]] Bits host_mask() const {
    const unsigned host_bits = width() - prefix;
    return host_bits >= 128 ? ~Bits{0} : (Bits{1} << host_bits) - 1;
  }
};

IpAddress to_ip(const Network& network, Bits address) {
  IpAddress out;
  out.v6 = network.v6;
  const unsigned size = network.v6 ? 16 : 4;
  for (unsigned i = 0; i < size; ++i)
    out.bytes[i] = static_cast<std::uint8_t>(address >> (8 * (size - 1 - i)) & 0xff);
  return out;
}

std::string text_of(const Network& network, Bits address) { return to_ip(network, address).to_string(); }

std::optional<Network> read_network(FunctionCall& call) {
  const auto [address, prefix] = split_once(call.text(0), '/');
  const auto ip = IpAddress::parse(address);
  const auto length = parse_decimal<unsigned>(prefix);
  if (!ip || !length || *length > (ip->v6 ? 128U : 32U)) {
    call.fail("its argument is no network such as '10.0.0.0/16'");
    return std::nullopt;
  }
  Network out{ip->v6, 0, *length};
  for (unsigned i = 0; i < (ip->v6 ? 16U : 4U); ++i) out.address = out.address << 8U | ip->bytes[i];
  return out;
}

JsonValue parse_cidr(FunctionCall& call) {
  const auto network = read_network(call);
  if (!network) return {};
  const Bits mask = network->host_mask();
  const Bits first = network->address & ~mask;
  const Bits last = first | mask;
  JsonValue out = make_object();
  add_member(out, "network", text_of(*network, first));
  Network all = *network;
  all.prefix = 0;
  add_member(out, "netmask", text_of(*network, ~mask & all.host_mask()));
  if (!network->v6) add_member(out, "broadcast", text_of(*network, last));
  const bool small = network->width() - network->prefix < 2;
  add_member(out, "firstUsable", text_of(*network, small || network->v6 ? first : first + 1));
  add_member(out, "lastUsable", text_of(*network, small || network->v6 ? last : last - 1));
  add_member(out, "cidr", make_number(network->prefix));
  return out;
}

JsonValue cidr_subnet(FunctionCall& call) {
  const auto network = read_network(call);
  const auto prefix = call.integer(1), index = call.integer(2);
  if (!network) return {};
  if (prefix < network->prefix || prefix > network->width() || index < 0)
    return call.fail("the new prefix is shorter than the network's, or the index is negative");
  Network part = *network;
  part.prefix = static_cast<unsigned>(prefix);
  const unsigned spare = part.prefix - network->prefix;
  if (spare < 63 && index >= std::int64_t{1} << spare)
    return call.fail("the network has no subnet of that index");
  const Bits start = (network->address & ~network->host_mask()) +
                     (part.prefix == 0 ? 0 : static_cast<Bits>(index) << (part.width() - part.prefix));
  return make_text(fmt::format("{}/{}", text_of(part, start), part.prefix));
}

JsonValue cidr_host(FunctionCall& call) {
  const auto network = read_network(call);
  const auto index = call.integer(1);
  if (!network) return {};
  const Bits host = static_cast<Bits>(index) + 1;
  const Bits broadcast = network->v6 ? 0 : 1;  // IPv4's last address is nobody's
  if (index < 0 || host > network->host_mask() - broadcast)
    return call.fail("the network has no host of that index");
  return make_text(text_of(*network, (network->address & ~network->host_mask()) + host));
}

constexpr std::array functions = {Function{"parseCidr", 1, 1, parse_cidr},
                                  Function{"cidrSubnet", 3, 3, cidr_subnet},
                                  Function{"cidrHost", 2, 2, cidr_host}};

}  // namespace

std::span<const Function> network_functions() { return functions; }

}  // namespace passerelle::arm
