// Lines: host patterns, an empty line between the lists of two listeners; the last line is the host. The
// index must find what asking each in order finds.
#include "base/host_pattern.h"
#include "fuzz/pieces.h"
#include "model/route_index.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::vector<std::vector<std::string>> lists(1);
  std::string_view rest = fuzz::as_text(data, size);
  for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (end == 0)
      lists.emplace_back();
    else if (host_pattern_error(rest.substr(0, end)).empty())
      lists.back().emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  model::HostIndex index;
  std::optional<std::size_t> expected;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    index.add(lists[i]);
    const bool takes = lists[i].empty() || std::ranges::any_of(lists[i], [&](const auto& pattern) {
                         return host_matches(pattern, rest);
                       });
    if (takes && !expected) expected = i;
  }
  fuzz::must(index.find(rest) == expected);
  return 0;
}
