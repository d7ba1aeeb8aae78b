// What is wrong with a configuration, said so that one can mend it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace passerelle {

// Where something stands; line and column count from 1, columns in characters. Line 0: nowhere in a file.
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class Severity : std::uint8_t { warning, error };

// One line for people: "FILE:LINE:COLUMN: error: CODE: sentence [JSON path]". `code` is Azure's own where
// Azure has one.
struct Problem {
  Location where;
  Severity severity = Severity::error;
  std::string code;
  std::string message;
  std::string path;

  [[nodiscard]] std::string to_string() const;
  void append_json(std::string& out) const;
};

using Problems = std::vector<Problem>;

[[nodiscard]] bool has_errors(const Problems& problems);

}  // namespace passerelle
