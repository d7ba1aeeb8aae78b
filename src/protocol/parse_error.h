// Why a message is refused: the status a client gets for it (a backend's breach is always a 502), and the
// reason.
#pragma once

#include <expected>

namespace passerelle {

// A value. `what` points at a string literal fit for a log.
struct ParseError {
  int status = 400;
  const char* what = "";
};

template <class T>
using Parsed = std::expected<T, ParseError>;

[[nodiscard]] inline std::unexpected<ParseError> refuse(int status, const char* what) {
  return std::unexpected(ParseError{status, what});
}

}  // namespace passerelle
