// The server_name extension: a name that is found is one, and lies within it.
#include "fuzz/pieces.h"
#include "tls/server_name.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  const auto name = tls::parse_server_name(input);
  if (!name) return 0;
  fuzz::must(!name->empty() && name->size() <= 255 && name->find('\0') == std::string_view::npos);
  fuzz::must(name->data() >= input.data() && name->data() + name->size() <= input.data() + input.size());
  return 0;
}
