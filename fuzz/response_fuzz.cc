// A response head; what we forward of an accepted one must be framed as we say.
#include "fuzz/head.h"
#include "policy/decision/forward.h"
#include "protocol/http1/head_writer.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto parsed = fuzz::parse_both_ways(http1::HeadKind::response, fuzz::as_text(data, size));
  if (parsed.status != 0 || parsed.head.status < 200) return 0;
  for (const int minor : {0, 1}) {
    for (const char* method : {"GET", "HEAD"}) {
      const auto framing = http1::response_framing(parsed.head, method);
      if (!framing) continue;
      std::string forwarded;
      MessageHead made;
      policy::make_response(made, parsed.head, *framing,
                            {minor, minor == 1, "Thu, 01 Jan 1970 00:00:00 GMT"});
      http1::append_response_head(forwarded, made);
      const auto again = fuzz::parse(http1::HeadKind::response, {forwarded});
      if (again.status == 431 || again.status == 502) continue;  // a limit: our own fields came on top
      fuzz::must(again.status == 0 && again.consumed == forwarded.size());
      const auto framing_again = http1::response_framing(again.head, method);
      fuzz::must(framing_again.has_value());
      if (parsed.head.status != 204 && parsed.head.status != 304 && *method == 'G') {
        fuzz::must(framing_again->kind == policy::client_framing(*framing, minor) &&
                   framing_again->length == framing->length);
      }
    }
  }
  return 0;
}
