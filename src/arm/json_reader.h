// Reads JSON as people write it, with positions (docs/decisions/0004 says why not a library).
#pragma once

#include <optional>
#include <string_view>

#include "arm/json_value.h"
#include "arm/problem_list.h"

namespace passerelle::arm {

struct JsonLimits {
  std::size_t text_bytes_max = 16U << 20U;
  unsigned depth_max = 100;
  bool strict = false;                    // RFC 8259 to the letter: no comments, no repairs
  bool single_quotes = false;             // strings may stand in them too, as json() takes them
  bool trailing_commas_are_fine = false;  // the local file's; elsewhere they are repaired with a warning
  std::size_t members_max = 10'000;       // of one object: names are compared with each other
};

// Takes, beyond RFC 8259: comments, a byte order mark, no-break spaces, raw newlines in strings (ARM's
// multi-line strings); and, with a warning, trailing commas and a document without its outer braces. A syntax
// error, a key given twice in one object and a passed limit are errors: then nothing is returned.
[[nodiscard]] std::optional<JsonValue> read_json(std::string_view text, std::uint32_t file,
                                                 ProblemList& problems, const JsonLimits& limits = {});

}  // namespace passerelle::arm
