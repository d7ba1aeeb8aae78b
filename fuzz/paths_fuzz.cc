// Lines: path patterns, each a path rule; the last line is the path. The index must find what asking each in
// order finds; and a path put in place of the matched one stays a path.
#include "fuzz/pieces.h"
#include "model/gateway.h"
#include "policy/decision/decide.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::vector<model::PathRule> rules;
  std::string_view rest = fuzz::as_text(data, size);
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    const auto text = rest.substr(0, end);
    if (model::path_pattern_error(text).empty()) {
      rules.emplace_back();
      rules.back().paths.push_back(model::make_path_pattern(text));
    }
    rest.remove_prefix(end + 1);
  }
  std::optional<std::size_t> expected;
  for (std::size_t i = 0; i < rules.size() && !expected; ++i) {
    if (model::path_matches(rules[i].paths[0], rest)) expected = i;
  }
  fuzz::must(model::PathIndex(rules).find(rest) == expected);
  if (!expected || !rest.starts_with('/')) return 0;
  std::string path;
  policy::append_member_path(path, "/override/", &rules[*expected].paths[0], rest);
  fuzz::must(path.starts_with("/override/") && path.size() <= rest.size() + 10);
  return 0;
}
