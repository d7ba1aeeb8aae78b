#include "policy/decision/forward.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/text.h"

namespace passerelle::policy {
namespace {

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

// A number as text, without a string.
class Digits {
 public:
  std::string_view of(std::uint64_t number) {
    text_.emplace(number);
    return {text_->data(), text_->size()};
  }

 private:
  std::optional<fmt::format_int> text_;
};

// What of a head goes on: all but hop-by-hop fields and those that Connection names (RFC 9110 section 7.6.1).
class Passed {
 public:
  explicit Passed(const MessageHead& head) : head_(head) {
    if (head.count(FieldId::connection) == 0) return;
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
  std::array<std::string_view, http1::connection_options_max> named_;
  std::size_t count_ = 0;
};

// Room for what add_forwarded adds: names, numbers and punctuation are less than the constant.
std::size_t forwarded_bytes_max(const MessageHead& head, const http1::RequestTarget& target,
                                const ForwardFacts& facts) {
  std::size_t listed = 0;
  if (head.count(FieldId::x_forwarded_for) > 0) {
    for (const auto& each : head.fields)
      if (each.id == FieldId::x_forwarded_for) listed += each.value.size + 2;
  }
  return 256 + listed + facts.client_ip.size() + target.authority.size() + target.origin.size() +
         facts.trace_id.size();
}

void add_forwarded(MessageHead::Lines& lines, const MessageHead& head, const http1::RequestTarget& target,
                   const ForwardFacts& facts) {
  Digits digits;
  // The list so far, and the client.
  lines.begin(FieldId::x_forwarded_for, "X-Forwarded-For");
  if (head.count(FieldId::x_forwarded_for) > 0) {
    for (const auto& each : head.fields) {
      if (each.id != FieldId::x_forwarded_for || each.value.size == 0) continue;
      lines.put(head.value(each));
      lines.put(", ");
    }
  }
  const bool v6 = facts.client_ip.find(':') != std::string_view::npos;
  if (v6) lines.put("[");
  lines.put(facts.client_ip);
  lines.put(v6 ? "]:" : ":");
  lines.put(digits.of(facts.client_port));
  lines.end();
  lines.add(FieldId::x_forwarded_proto, "X-Forwarded-Proto", facts.tls ? "https" : "http");
  lines.add(FieldId::x_forwarded_port, "X-Forwarded-Port", digits.of(facts.listener_port));
  lines.add(FieldId::x_original_host, "X-Original-Host", target.authority);
  lines.add(FieldId::x_original_url, "X-Original-URL", target.origin);
  lines.add(FieldId::x_appgw_trace_id, "X-AppGW-Trace-Id", facts.trace_id);
}

}  // namespace

void make_request(MessageHead& out, const MessageHead& head, const http1::RequestTarget& target,
                  const http1::Framing& framing, const ForwardFacts& facts) {
  Digits digits;
  out.begin_copy(head);
  out.set_target(target.origin);
  out.add(FieldId::host, "Host", target.authority);
  const Passed passes(head);
  for (const auto& field : head.fields) {
    if (is_our_own(field.id) || !passes(field)) continue;
    if (field.id == FieldId::other && is_twin_of_our_own(head.name(field))) continue;
    out.add(field);
  }
  if (framing.kind == http1::Framing::Kind::chunked) {
    out.add(FieldId::transfer_encoding, "Transfer-Encoding", "chunked");
  } else if (framing.has_body() || head.count(FieldId::content_length) > 0) {
    out.add(FieldId::content_length, "Content-Length", digits.of(framing.length));
  }
  out.add_lines(forwarded_bytes_max(head, target, facts),
                [&](MessageHead::Lines& lines) { add_forwarded(lines, head, target, facts); });
  if (facts.websocket) {
    out.add(FieldId::connection, "Connection", "Upgrade");
    out.add(FieldId::upgrade, "Upgrade", "websocket");
  }
}

http1::Framing::Kind client_framing(const http1::Framing& backend, int client_minor_version) {
  using Kind = http1::Framing::Kind;
  if (backend.kind != Kind::chunked && backend.kind != Kind::until_close) return backend.kind;
  return client_minor_version == 1 ? Kind::chunked : Kind::until_close;
}

void make_response(MessageHead& out, const MessageHead& head, const http1::Framing& backend,
                   const ResponseFacts& facts) {
  out.begin_copy(head);
  const Passed passes(head);
  bool length_sent = false;
  for (const auto& field : head.fields) {
    if (field.id == FieldId::content_length) {
      // Once, and never beside a transfer coding; kept for HEAD and 304, where it speaks of another body.
      const bool framed =
          backend.kind == http1::Framing::Kind::none || backend.kind == http1::Framing::Kind::length;
      if (framed && !std::exchange(length_sent, true) && head.status != 204) out.add(field);
      continue;
    }
    if (passes(field)) out.add(field);
  }
  if (head.count(FieldId::date) == 0 && !facts.date.empty()) out.add(FieldId::date, "Date", facts.date);
  const auto kind = client_framing(backend, facts.client_minor_version);
  if (kind == http1::Framing::Kind::chunked)
    out.add(FieldId::transfer_encoding, "Transfer-Encoding", "chunked");
  // RFC 9110 section 15.5.22: a 426 says which protocol it wants.
  const auto upgrade = head.status == 426 ? head.find(FieldId::upgrade) : std::nullopt;
  if (upgrade) out.add(FieldId::upgrade, "Upgrade", *upgrade);
  const std::string_view options = !facts.keep_alive                 ? (upgrade ? "close, Upgrade" : "close")
                                   : upgrade                         ? "Upgrade"
                                   : facts.client_minor_version == 0 ? "keep-alive"
                                                                     : "";
  if (!options.empty()) out.add(FieldId::connection, "Connection", options);
}

void make_interim(MessageHead& out, const MessageHead& head) {
  out.begin_copy(head);
  const Passed passes(head);
  for (const auto& field : head.fields) {
    if (field.id != FieldId::content_length && passes(field)) out.add(field);
  }
}

void make_switch(MessageHead& out, const MessageHead& head) {
  make_interim(out, head);
  out.add(FieldId::connection, "Connection", "Upgrade");
  out.add(FieldId::upgrade, "Upgrade", "websocket");
}

}  // namespace passerelle::policy
