// A request head; and the oracle: what we forward of an accepted one must be read back, strictly, as the same
// request.
#include "fuzz/head.h"
#include "policy/decision/forward.h"
#include "protocol/http1/head_writer.h"
#include "protocol/websocket/handshake.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto parsed = fuzz::parse_both_ways(http1::HeadKind::request, fuzz::as_text(data, size));
  if (parsed.status != 0) return 0;
  const auto target = http1::request_target(parsed.head);
  const auto framing = http1::request_framing(parsed.head, Limits{});
  if (!target || !framing) return 0;
  const auto websocket = websocket::asks_for_websocket(parsed.head, *framing);
  if (!websocket) return 0;
  std::string forwarded;
  MessageHead made;
  policy::make_request(made, parsed.head, *target, *framing,
                       {"192.0.2.1", 1234, false, 80, "0123456789abcdef0123456789abcdef", *websocket});
  http1::append_request_head(forwarded, made);
  const auto again = fuzz::parse(http1::HeadKind::request, {forwarded});
  if (again.status == 431 || again.status == 414) return 0;  // our own fields came on top
  fuzz::must(again.status == 0 && again.consumed == forwarded.size());
  fuzz::must(again.head.method() == parsed.head.method());
  fuzz::must(again.head.target() == target->origin);
  fuzz::must(again.head.count(FieldId::host) == 1 && again.head.count(FieldId::x_forwarded_for) == 1);
  const auto framing_again = http1::request_framing(again.head, Limits{});
  fuzz::must(framing_again && framing_again->kind == framing->kind &&
             framing_again->length == framing->length);
  fuzz::must(again.head.has_token(FieldId::connection, "upgrade") == *websocket);
  return 0;
}
