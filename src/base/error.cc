#include "base/error.h"

#include <cerrno>

namespace passerelle {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::closed: return "closed";
    case ErrorKind::reset: return "connection reset";
    case ErrorKind::refused: return "connection refused";
    case ErrorKind::unreachable: return "unreachable";
    case ErrorKind::timed_out: return "timed out";
    case ErrorKind::stopped: return "stopped";
    case ErrorKind::tls: return "TLS failure";
    case ErrorKind::protocol: return "protocol error";
    case ErrorKind::too_large: return "limit passed";
    case ErrorKind::no_resources: return "out of resources";
    case ErrorKind::denied: return "permission denied";
    case ErrorKind::in_use: return "address in use";
    case ErrorKind::system: return "system error";
  }
  return "error";
}

std::string_view to_string(Side side) {
  switch (side) {
    case Side::gateway: return "gateway";
    case Side::client: return "client";
    case Side::backend: return "backend";
  }
  return "gateway";
}

Error error_from_errno(int number, const char* what) {
  ErrorKind kind = ErrorKind::system;
  switch (number) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: kind = ErrorKind::reset; break;
    case ECONNREFUSED:
    case ENOENT: kind = ErrorKind::refused; break;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL: kind = ErrorKind::unreachable; break;
    case ETIMEDOUT: kind = ErrorKind::timed_out; break;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: kind = ErrorKind::no_resources; break;
    case EACCES:
    case EPERM: kind = ErrorKind::denied; break;
    case EADDRINUSE: kind = ErrorKind::in_use; break;
    default: break;
  }
  return Error{kind, Side::gateway, number, what};
}

}  // namespace passerelle
