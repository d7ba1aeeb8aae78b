// For tests: a parser must not care where its input is cut.
#pragma once

#include <string_view>
#include <vector>

namespace passerelle::testing_support {

// Calls `run(pieces)` for the whole input, for every cut in two, and for single bytes.
template <class Run>
void for_every_cut(std::string_view input, Run run) {
  run(std::vector<std::string_view>{input});
  for (std::size_t at = 1; at < input.size(); ++at) {
    run(std::vector<std::string_view>{input.substr(0, at), input.substr(at)});
  }
  std::vector<std::string_view> bytes;
  for (std::size_t at = 0; at < input.size(); ++at) bytes.push_back(input.substr(at, 1));
  run(bytes);
}

}  // namespace passerelle::testing_support
