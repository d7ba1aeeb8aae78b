// The head of an HTTP/2 request, field by field, as the head HTTP/1.1 would have had (RFC 9113 section 8.3).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "protocol/message_head.h"
#include "protocol/parse_error.h"

namespace passerelle::http2 {

// A value, used for one head after the other: those of one connection do not overlap. The target is :path,
// Host is :authority, cookies are one field again, and a body without a length has Transfer-Encoding:
// chunked. The extended CONNECT that opens a WebSocket (RFC 8441) is the GET with Upgrade that it stands for,
// without a key.
class RequestHead {
 public:
  struct Kind {
    bool ended = false;      // no body follows
    bool websocket = false;  // RFC 8441
  };

  // The fields go into `head`, which outlives this or the next begin().
  void begin(MessageHead& head);
  static constexpr std::size_t field_overhead = 32;  // of each field, as RFC 9113 section 6.5.2 counts
  void add(BytesView name, BytesView value, const Limits& limits);
  // The head is whole. Refused: fields too long or too many (431), what no HTTP/1.1 head could hold (400),
  // another host than :authority (400), a :protocol other than websocket (501).
  [[nodiscard]] Parsed<Kind> finish(bool ended);

 private:
  // Of the head's own text; nothing until there.
  struct Pseudo {
    MessageHead::Span method, scheme, authority, path, protocol;
  };
  void refuse_once(int status, const char* what);
  void add_pseudo(BytesView name, BytesView value);
  void check(std::string_view method, bool websocket, bool ended);

  MessageHead* head_ = nullptr;
  Pseudo pseudo_;
  std::string cookies_;
  std::size_t bytes_ = 0;
  ParseError refusal_{0, ""};
};

}  // namespace passerelle::http2
