// The configuration reader: any text gives a gateway or a problem, never neither.
#include "arm/load.h"
#include "fuzz/pieces.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(fuzz::as_text(data, size));
  arm::LoadInput input;
  // The first byte decides whether it is read as a template or as a local file beside one.
  const bool local = !text.empty() && text.front() == '\n';
  input.templates.push_back({"fuzz", local ? "{\"httpListeners\":[]}" : text});
  if (local) input.local = arm::Source{"local", text};
  input.environment = [](const std::string&) { return std::nullopt; };
  const arm::Loaded loaded = arm::load(input);
  fuzz::must(loaded.gateway != nullptr || has_errors(loaded.problems));
  for (const Problem& problem : loaded.problems) fuzz::must(!problem.to_string().empty());
  return 0;
}
