#include "proxy/moved_tunnel.h"

#include <type_traits>

namespace passerelle::proxy {
namespace {

void save_time(BinaryWriter& out, TimePoint time) { out.number(time.time_since_epoch().count()); }
template <class T>
void save_optional(BinaryWriter& out, const std::optional<T>& value) {
  out.number(value.has_value());
  if constexpr (std::is_arithmetic_v<T>)
    out.number(value.value_or(0));
  else
    out.number(value.value_or(T{}).count());
}
template <class T>
void restore_optional(BinaryReader& in, std::optional<T>& value) {
  const bool has = in.number<std::uint8_t>() != 0;
  if constexpr (std::is_arithmetic_v<T>)
    value = in.number<T>();
  else
    value = T(in.number<typename T::rep>());
  if (!has) value.reset();
}

TimePoint restored_time(BinaryReader& in) {
  return TimePoint(TimePoint::duration(in.number<TimePoint::rep>()));
}

}  // namespace

void MovedTunnel::save(BinaryWriter& out) const {
  for (const std::string* name : {&route.resource_id, &route.listener, &route.rule, &route.pool,
                                  &route.settings, &member.name, &member.endpoint, &member.settings})
    out.text(*name);
  const model::Keepers& keepers = route.keepers;
  save_optional(out, keepers.ping_interval);
  save_optional(out, keepers.message_bytes_max);
  save_optional(out, keepers.messages_per_second_max);
  save_optional(out, keepers.bytes_per_second_max);
  save_optional(out, keepers.tunnel_age_max);
  out.text(keeper);
  out.number(member.tls).text({trace_id.data(), trace_id.size()});
  for (const std::uint8_t byte : client_ip.bytes) out.number(byte);
  out.number(client_ip.v6).number(client_port).number(idle_seconds_max).number(only_backend_counts);
  save_time(out, opened);
  save_time(out, silent_since);
  out.number(end);
  for (std::size_t side = 0; side < tunnel_sides; ++side) {
    out.number(ended[side]).text(unsent[side]);
    directions[side].save(out);
  }
}

MovedTunnel MovedTunnel::restored(BinaryReader& in) {
  MovedTunnel out;
  for (std::string* name :
       {&out.route.resource_id, &out.route.listener, &out.route.rule, &out.route.pool, &out.route.settings,
        &out.member.name, &out.member.endpoint, &out.member.settings})
    *name = in.text();
  model::Keepers& keepers = out.route.keepers;
  restore_optional(in, keepers.ping_interval);
  restore_optional(in, keepers.message_bytes_max);
  restore_optional(in, keepers.messages_per_second_max);
  restore_optional(in, keepers.bytes_per_second_max);
  restore_optional(in, keepers.tunnel_age_max);
  out.keeper = in.text();
  out.member.tls = in.number<std::uint8_t>() != 0;
  in.text().copy(out.trace_id.data(), out.trace_id.size());
  for (std::uint8_t& byte : out.client_ip.bytes) byte = in.number<std::uint8_t>();
  out.client_ip.v6 = in.number<std::uint8_t>() != 0;
  out.client_port = in.number<std::uint16_t>();
  out.idle_seconds_max = in.number<std::uint32_t>();
  out.only_backend_counts = in.number<std::uint8_t>() != 0;
  out.opened = restored_time(in);
  out.silent_since = restored_time(in);
  const auto end = in.number<std::uint8_t>();
  out.end =
      end < telemetry::tunnel_ends ? static_cast<telemetry::TunnelEnd>(end) : telemetry::TunnelEnd::failed;
  for (std::size_t side = 0; side < tunnel_sides; ++side) {
    out.ended[side] = in.number<std::uint8_t>() != 0;
    out.unsent[side] = in.text();
    out.directions[side] = TunnelDirection::restored(in);
  }
  return out;
}

}  // namespace passerelle::proxy
