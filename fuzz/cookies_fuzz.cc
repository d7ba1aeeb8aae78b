// Cookie fields: what is found is there, as a pair of that name, and looking never reads beyond.
#include "fuzz/pieces.h"
#include "policy/affinity/affinity.h"
#include "protocol/cookies.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  MessageHead head;
  head.set_request("GET", "/");
  for (const auto piece : fuzz::pieces_of(input)) head.add("Cookie", piece);
  for (const std::string_view name : {"a", "", "ApplicationGatewayAffinity"}) {
    const auto found = find_cookie(head, name);
    if (!found || found->empty()) continue;
    fuzz::must(found->data() >= head.text.data() + name.size() &&
               found->data() + found->size() <= head.text.data() + head.text.size());
    fuzz::must(found->find(';') == std::string_view::npos);
    fuzz::must(policy::affinity_asked(head, name) == found);
  }
  return 0;
}
