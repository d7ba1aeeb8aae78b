#include "policy/decision/forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/text.h"

namespace passerelle::policy {
namespace {

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::http2_settings:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
  }
}

// Fields the gateway writes itself: what the client sent under these names does not pass.
bool is_our_own(FieldId id) {
  switch (id) {
    case FieldId::content_length:
    case FieldId::host:
    case FieldId::x_appgw_trace_id:
    case FieldId::x_forwarded_for:
    case FieldId::x_forwarded_port:
    case FieldId::x_forwarded_proto:
    case FieldId::x_original_host:
    case FieldId::x_original_url: return true;
    default: return false;
  }
}

// A spoof of our own fields, as CGI-like backends read it.
bool is_twin_of_our_own(std::string_view name) {
  const FieldId id = twin_field_id(name);
  return is_our_own(id) || is_hop_by_hop(id);
}

// What of a head goes on: all but hop-by-hop fields and those that Connection names (RFC 9110 section 7.6.1).
class Passed {
 public:
  explicit Passed(const MessageHead& head) : head_(head) {
    for (const auto& field : head.fields) {
      if (field.id != FieldId::connection) continue;
      for_each_element(head.value(field), [&](std::string_view name) {
        if (count_ < named_.size()) named_[count_++] = name;  // more were refused before
      });
    }
  }
  [[nodiscard]] bool operator()(const MessageHead::Field& field) const {
    if (is_hop_by_hop(field.id)) return false;
    return std::none_of(named_.begin(), named_.begin() + static_cast<std::ptrdiff_t>(count_),
                        [&](std::string_view name) { return equals_ignoring_case(name, head_.name(field)); });
  }

 private:
  const MessageHead& head_;
  std::array<std::string_view, http1::connection_options_max> named_{};
  std::size_t count_ = 0;
};

void append_forwarded(std::string& out, const MessageHead& head, const http1::RequestTarget& target,
                      const ForwardFacts& facts) {
  out += "X-Forwarded-For: ";
  for (const auto& field : head.fields) {
    if (field.id != FieldId::x_forwarded_for || head.value(field).empty()) continue;
    out += head.value(field);
    out += ", ";
  }
  const bool v6 = facts.client_ip.find(':') != std::string_view::npos;
  fmt::format_to(std::back_inserter(out), fmt::runtime(v6 ? "[{}]:{}\r\n" : "{}:{}\r\n"), facts.client_ip,
                 facts.client_port);
  append_field(out, "X-Forwarded-Proto", facts.tls ? "https" : "http");
  fmt::format_to(std::back_inserter(out), "X-Forwarded-Port: {}\r\n", facts.listener_port);
  append_field(out, "X-Original-Host", target.authority);
  append_field(out, "X-Original-URL", target.origin);
  append_field(out, "X-AppGW-Trace-Id", facts.trace_id);
}

void append_status_line(std::string& out, const MessageHead& head) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", head.status, head.reason());
}

}  // namespace

std::string_view upstream_host(const model::BackendSettings& settings, std::string_view member_name,
                               const http1::RequestTarget& target) {
  if (!settings.host_name.empty()) return settings.host_name;
  return settings.pick_host_from_member ? member_name : target.authority;
}

std::string_view server_name(const model::BackendSettings& settings, std::string_view member_name,
                             const http1::RequestTarget& target) {
  const std::string_view name = !settings.host_name.empty()      ? std::string_view(settings.host_name)
                                : settings.pick_host_from_member ? member_name
                                                                 : target.host;
  return IpAddress::parse(name) || name.starts_with('[') ? std::string_view() : name;
}

void append_request(std::string& out, const MessageHead& head, const http1::RequestTarget& target,
                    const http1::Framing& framing, const ForwardFacts& facts) {
  out += head.method();
  out += ' ';
  out += target.origin;
  out += " HTTP/1.1\r\n";
  append_field(out, "Host", facts.host);
  const Passed passes(head);
  for (const auto& field : head.fields) {
    if (is_our_own(field.id) || !passes(field)) continue;
    if (field.id == FieldId::other && is_twin_of_our_own(head.name(field))) continue;
    append_field(out, head.name(field), head.value(field));
  }
  if (framing.kind == http1::Framing::Kind::chunked) {
    out += "Transfer-Encoding: chunked\r\n";
  } else if (framing.has_body() || head.count(FieldId::content_length) > 0) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", framing.length);
  }
  append_forwarded(out, head, target, facts);
  if (facts.websocket) out += "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  out += "\r\n";
}

http1::Framing::Kind client_framing(const http1::Framing& backend, int client_minor_version) {
  using Kind = http1::Framing::Kind;
  if (backend.kind != Kind::chunked && backend.kind != Kind::until_close) return backend.kind;
  return client_minor_version == 1 ? Kind::chunked : Kind::until_close;
}

void append_response(std::string& out, const MessageHead& head, const http1::Framing& backend,
                     const ResponseFacts& facts) {
  append_status_line(out, head);
  const Passed passes(head);
  bool length_sent = false;
  for (const auto& field : head.fields) {
    if (field.id == FieldId::content_length) {
      // Once, and never beside a transfer coding; kept for HEAD and 304, where it speaks of another body.
      const bool framed =
          backend.kind == http1::Framing::Kind::none || backend.kind == http1::Framing::Kind::length;
      if (!framed || std::exchange(length_sent, true) || head.status == 204) continue;
      append_field(out, "Content-Length", head.value(field));
      continue;
    }
    if (passes(field)) append_field(out, head.name(field), head.value(field));
  }
  if (head.count(FieldId::date) == 0 && !facts.date.empty()) append_field(out, "Date", facts.date);
  const auto kind = client_framing(backend, facts.client_minor_version);
  if (kind == http1::Framing::Kind::chunked) out += "Transfer-Encoding: chunked\r\n";
  // RFC 9110 section 15.5.22: a 426 says which protocol it wants.
  const auto upgrade = head.status == 426 ? head.find(FieldId::upgrade) : std::nullopt;
  if (upgrade) append_field(out, "Upgrade", *upgrade);
  if (!facts.keep_alive)
    out += upgrade ? "Connection: close, Upgrade\r\n" : "Connection: close\r\n";
  else if (upgrade)
    out += "Connection: Upgrade\r\n";
  else if (facts.client_minor_version == 0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
}

void append_interim(std::string& out, const MessageHead& head) {
  append_status_line(out, head);
  const Passed passes(head);
  for (const auto& field : head.fields) {
    if (field.id != FieldId::content_length && passes(field))
      append_field(out, head.name(field), head.value(field));
  }
  out += "\r\n";
}

void append_switch(std::string& out, const MessageHead& head) {
  append_status_line(out, head);
  const Passed passes(head);
  for (const auto& field : head.fields) {
    if (field.id != FieldId::content_length && passes(field))
      append_field(out, head.name(field), head.value(field));
  }
  out += "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
}

}  // namespace passerelle::policy
