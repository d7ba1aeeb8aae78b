// What went wrong on the traffic path, as a value: whose side, what, and whether another try is safe.
// The idea (side and retry in the error itself) is what a proxy's log line and its retry decision need.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace passerelle {

enum class Side : std::uint8_t { gateway, client, backend };

enum class ErrorKind : std::uint8_t {
  closed,        // the peer ended the stream where it may not
  reset,         // the peer reset the connection
  refused,       // nobody listens there
  unreachable,   // no route, no such host
  timed_out,     // a deadline passed
  stopped,       // our own group was told to stop
  tls,           // handshake or record failure; `detail` holds OpenSSL's verify result or 0
  protocol,      // the peer broke its protocol; `what` says how
  too_large,     // a named limit was passed; `what` names it
  no_resources,  // descriptors or memory
  denied,        // a right is missing
  in_use,        // the address is taken
  system,        // anything else the kernel said; `detail` holds errno
};

// A value. Thread-free. `what` always points at a string literal.
struct Error {
  ErrorKind kind = ErrorKind::system;
  Side side = Side::gateway;
  int detail = 0;  // errno, or OpenSSL's verify result, by kind
  const char* what = "";

  [[nodiscard]] Error on(Side whose) const {
    Error copy = *this;
    copy.side = whose;
    return copy;
  }
};

template <class T = void>
using Result = std::expected<T, Error>;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, const char* what = "", int detail = 0) {
  return std::unexpected(Error{kind, Side::gateway, detail, what});
}

[[nodiscard]] std::string_view to_string(ErrorKind kind);
[[nodiscard]] std::string_view to_string(Side side);

// The error the kernel's errno stands for.
[[nodiscard]] Error error_from_errno(int number, const char* what);

}  // namespace passerelle
