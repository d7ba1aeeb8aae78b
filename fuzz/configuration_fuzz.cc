// The configuration reader: any text gives a gateway or a problem, never neither; and what is printed of a
// gateway loads again and prints the same.
#include "arm/load.h"
#include "fuzz/pieces.h"

using namespace passerelle;

namespace {

constexpr const char* plain_local = R"({ "sslCertificates": { "*": "self-signed" }, "waf": "ignore" })";

arm::Loaded load(const std::string& text, const std::string& local) {
  arm::LoadInput input;
  input.templates.push_back({"fuzz", text});
  input.local = arm::Source{"local", local};
  input.environment = [](const std::string&) { return std::nullopt; };
  input.print = true;
  return arm::load(input);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(fuzz::as_text(data, size));
  // The first byte decides whether it is read as a template or as a local file beside one.
  const bool as_local = !text.empty() && text.front() == '\n';
  const arm::Loaded loaded = load(as_local ? "{\"httpListeners\":[]}" : text, as_local ? text : plain_local);
  fuzz::must(loaded.gateway != nullptr || has_errors(loaded.problems));
  for (const Problem& problem : loaded.problems)
    fuzz::must(problem.to_string().find('\n') == std::string::npos);
  if (!loaded.gateway) return 0;
  const arm::Loaded again = load(loaded.printed, plain_local);
  fuzz::must(again.gateway != nullptr);
  fuzz::must(again.printed == loaded.printed);
  return 0;
}
