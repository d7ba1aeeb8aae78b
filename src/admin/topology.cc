#include "admin/topology.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/json_writer.h"
#include "telemetry/event_log.h"

namespace passerelle::admin {
namespace {

using model::Certificate;
using model::Destination;
using model::Gateway;
using model::Listener;

void write_listener(JsonWriter& json, const Gateway& gateway, const Listener& listener,
                    const ListenerAddresses& open) {
  const model::Frontend& frontend = gateway.frontends[listener.frontend];
  json.begin_object().member("name", listener.name);
  json.member("protocol", frontend.tls ? "Https" : "Http").member("port", frontend.port);
  json.key("hostNames").begin_array();
  for (const std::string& host : listener.host_names) json.string(host);
  json.end_array().key("addresses").begin_array();
  for (const Endpoint& address : open.addresses) json.string(address.to_string());
  json.end_array().key("certificate");
  if (listener.certificate)
    json.string(gateway.certificates[*listener.certificate].name);
  else
    json.null();
  json.member("disabled", listener.disabled).end_object();
}

void write_destination(JsonWriter& json, const Gateway& gateway, const Destination& to) {
  if (to.group) {
    json.member("pool", gateway.groups[*to.group].pool);
    json.member("backendSettings", gateway.groups[*to.group].settings_name);
  } else if (to.redirect) {
    const model::Redirect& redirect = gateway.redirects[*to.redirect];
    json.member("redirect", redirect.listener ? "listener " + gateway.listeners[*redirect.listener].name
                                              : redirect.url.substr(0, redirect.url.find('?')));
  }
}

void write_rule(JsonWriter& json, const Gateway& gateway, const model::Rule& rule) {
  json.begin_object().member("name", rule.name).member("listener", gateway.listeners[rule.listener].name);
  json.key("priority");
  if (rule.priority)
    json.number(*rule.priority);
  else
    json.null();
  json.key("paths").begin_array();
  for (const model::PathRule& path_rule : rule.path_rules) {
    json.begin_object().member("name", path_rule.name).key("patterns").begin_array();
    for (const model::PathPattern& pattern : path_rule.paths) json.string(pattern.text);
    json.end_array();
    write_destination(json, gateway, path_rule.to);
    json.end_object();
  }
  json.end_array().key("otherwise").begin_object();
  write_destination(json, gateway, rule.otherwise);
  json.end_object().end_object();
}

std::string_view to_string(Certificate::Kind kind) {
  switch (kind) {
    case Certificate::Kind::pfx: return "PFX";
    case Certificate::Kind::pem: return "PEM";
    case Certificate::Kind::self_signed: return "made here";
    case Certificate::Kind::missing: return "missing: it is in a Key Vault";
  }
  return "";
}

}  // namespace

std::string topology(const Gateway& gateway, const std::vector<ListenerAddresses>& open, bool changeable) {
  std::map<std::string_view, const ListenerAddresses*> addresses;
  for (const ListenerAddresses& each : open) addresses[each.listener] = &each;
  const ListenerAddresses none;
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("gateway", gateway.name).member("resourceId", gateway.resource_id);
  json.member("changeable", changeable);
  json.key("listeners").begin_array();
  for (const Listener& listener : gateway.listeners) {
    const auto found = addresses.find(listener.name);
    write_listener(json, gateway, listener, found != addresses.end() ? *found->second : none);
  }
  json.end_array().key("rules").begin_array();
  for (const model::Rule& rule : gateway.rules) write_rule(json, gateway, rule);
  json.end_array().key("pools").begin_array();
  for (const model::BackendGroup& group : gateway.groups) {
    json.begin_object().member("name", group.pool).member("backendSettings", group.settings_name);
    json.member("protocol", group.settings.https ? "Https" : "Http").member("port", group.settings.port);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string certificates(const Gateway& gateway) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("certificates").begin_array();
  for (model::Index i = 0; i < gateway.certificates.size(); ++i) {
    const Certificate& certificate = gateway.certificates[i];
    json.begin_object().member("name", certificate.name).member("kind", to_string(certificate.kind));
    json.key("notAfter");
    if (certificate.not_after != 0) {
      std::string time;
      // RFC 5280 has a date for "no end" that our clock's type has no room for.
      constexpr auto latest = std::chrono::floor<std::chrono::seconds>(WallTime::max().time_since_epoch());
      telemetry::append_time(time, WallTime(std::min(std::chrono::seconds(certificate.not_after), latest)));
      json.string(time);
    } else {
      json.null();
    }
    json.key("listeners").begin_array();
    for (const Listener& listener : gateway.listeners) {
      if (listener.certificate == i) json.string(listener.name);
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return out;
}

}  // namespace passerelle::admin
