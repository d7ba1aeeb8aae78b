// Every limit a stranger can meet, by name. Azure's where Azure has one (behaviour sheet, section 12).
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bytes.h"

namespace passerelle {

// Read-only while running; one per gateway, handed to each worker by value.
struct Limits {
  // Longest request target. Past it: 414. Azure: URL length 32 KB.
  std::size_t target_bytes_max = 32 * kibibyte;
  // All of a head but its first line. Past it: 431 to a client, 502 for a backend. Azure: 32 KB.
  std::size_t head_bytes_max = 32 * kibibyte;
  // Header fields in a head; a head of thousands of one-letter fields costs more than its bytes. Past it:
  // 431.
  std::size_t header_fields_max = 200;
  // A chunk-size line with its extensions, which nobody uses. Past it: 400 or 502.
  std::size_t chunk_line_bytes_max = 256;
  // Trailer section of a chunked body.
  std::size_t trailer_bytes_max = 8 * kibibyte;
  // Body of a request without a WAF. Past it: 413. Azure: 4 GB.
  std::size_t body_bytes_max = 4096 * mebibyte;
  // All request bodies that wait whole for a member (enableRequestBuffering), a worker, on disk for the most
  // part. Past it: 503.
  std::size_t spool_bytes_max = 8192 * mebibyte;
  // Interim (1xx) responses before a final one; more is a backend gone wrong.
  std::size_t interim_responses_max = 16;
  // What a client may have sent and we not read when we close: read this much so that our answer is not
  // destroyed by a reset (RFC 9112 section 9.6), then no more.
  std::size_t linger_bytes_max = 256 * kibibyte;

  std::chrono::seconds head_timeout{60};        // a request head not complete in this: 408
  std::chrono::seconds body_timeout{60};        // no byte of a request body for this: 408
  std::chrono::seconds keep_alive_timeout{75};  // an idle client connection ends
  std::chrono::seconds tls_handshake_timeout{15};
  std::chrono::seconds send_timeout{60};    // a client that does not take a piece (64 KiB) in this is gone
  std::chrono::seconds connect_timeout{5};  // to one address of a member, TLS included
  std::chrono::seconds upstream_idle_timeout{60};
  std::chrono::seconds linger_timeout{2};
  std::chrono::seconds half_closed_timeout{60};  // a tunnel one side has ended, without a byte from the other

  std::size_t upstream_idle_connections_max = 64;  // a worker keeps at most so many per member
  std::size_t members_tried_max = 3;               // connect failures before a request ends in 502
  // What is remembered of clients' certificates, a worker; past it all is forgotten and asked again.
  std::size_t revocation_verdicts_max = 10'000;
  std::size_t connections_max = 100'000;  // open client connections and tunnels, a worker
};

}  // namespace passerelle
