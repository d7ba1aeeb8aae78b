// Every limit a stranger can meet, by name. Azure's where Azure has one (behaviour sheet, section 12).
#pragma once

#include <chrono>
#include <cstddef>

#include "base/bytes.h"
#include "base/token_bucket.h"

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

  // --- HTTP/2 (behaviour sheet, section 2.4) ---
  // One header field, and all of a head as RFC 9113 section 6.5.2 counts it. Past it: 431. Azure: 8 and 16
  // KB.
  std::size_t h2_field_bytes_max = 8 * kibibyte;
  std::size_t h2_head_bytes_max = 16 * kibibyte;
  // CONTINUATION frames of one head. Past it the connection ends (ENHANCE_YOUR_CALM).
  std::size_t h2_continuations_max = 8;
  // Requests of a connection; WebSockets do not count. Past it: GOAWAY, and what is open goes on. Azure:
  // 1000.
  std::size_t h2_requests_max = 1000;
  // Streams open at a time, WebSockets among them. Past it: REFUSED_STREAM, or the connection's end where the
  // client knew.
  std::size_t h2_streams_max = 1100;
  // Requests of a connection that are carried at a time, and as many handshakes of WebSockets; the others
  // wait, first come, first served.
  std::size_t h2_requests_at_once_max = 128;
  // Heads of those that wait. Past it: REFUSED_STREAM, which clients may send again.
  std::size_t h2_waiting_head_bytes_max = 4 * mebibyte;
  // What a client may send ahead on one stream, and on all that are not WebSockets together: those have room
  // each for itself, so that a stalled one holds nobody up.
  std::size_t h2_stream_window_bytes = 64 * kibibyte;
  std::size_t h2_connection_window_bytes = 1 * mebibyte;
  // Of a connection's frames on their way out; what streams have to say beyond it waits with them.
  std::size_t h2_output_bytes_max = 64 * kibibyte;
  // Acknowledgements and resets that a client lets pile up by not reading. Past it nothing more of it is
  // read.
  std::size_t h2_replies_max = 1000;
  // Requests that end by a reset before they were answered, whoever resets (CVE-2023-44487, CVE-2025-8671).
  // Past it the connection ends (ENHANCE_YOUR_CALM).
  Rate h2_resets{500, 33};
  // Frames that get nobody anywhere: PING, SETTINGS, PRIORITY, empty DATA... Past it the same.
  Rate h2_idle_frames{2000, 100};
  std::chrono::seconds h2_idle_timeout{180};  // no stream open for this: GOAWAY, and the end
  // After a GOAWAY that only announces itself: so long a client may not have read it yet.
  std::chrono::seconds h2_farewell{1};

  std::chrono::seconds head_timeout{60};        // a request head not complete in this: 408
  std::chrono::seconds body_timeout{60};        // no byte of a request body for this: 408
  std::chrono::seconds keep_alive_timeout{75};  // an idle client connection ends
  std::chrono::seconds tls_handshake_timeout{15};
  std::chrono::seconds send_timeout{60};    // a client that does not take a piece (64 KiB) in this is gone
  std::chrono::seconds connect_timeout{5};  // to one address of a member, TLS included
  std::chrono::seconds upstream_idle_timeout{60};
  std::chrono::seconds linger_timeout{2};
  std::chrono::seconds close_answer_timeout{
      2};  // from our Close to both sides' own: a tunnel that has to end
  std::chrono::seconds half_closed_timeout{60};  // a tunnel one side has ended, without a byte from the other

  // A worker keeps so many idle ones of a member: as many as were in use at once, where that is less. Fewer
  // than those would cost connects at every busy moment.
  std::size_t upstream_idle_connections_max = 1024;
  std::size_t members_tried_max = 3;  // connect failures before a request ends in 502
  // What is remembered of clients' certificates, a worker; past it all is forgotten and asked again.
  std::size_t revocation_verdicts_max = 10'000;
  // --- when many come at once ---
  // Steps of TLS handshakes that cost something, in a turn of a worker's loop; the others wait, and what is
  // open is served in between. Past the second: the connection is closed.
  std::size_t tls_steps_a_turn = 4;
  std::size_t tls_steps_waiting_max = 20'000;
  // WebSocket handshakes under way at one member, a worker. The others wait, so many of a worker and so long
  // at most. Past it: 503 with a Retry-After of up to retry_after_max, another one for each.
  std::size_t member_upgrades_max = 100;
  std::size_t upgrades_waiting_max = 10'000;  // at one member
  // Who has no answer of the member by then holds nobody up any longer.
  std::chrono::seconds upgrade_slot_time{2};
  std::chrono::seconds upgrade_wait_timeout{10};
  std::chrono::seconds retry_after_max{30};
  // A member that restarts refuses connections for a moment: a WebSocket handshake that no member takes is
  // tried again this often, and so long at most. Past it: 502.
  std::chrono::milliseconds upgrade_retry_interval{250};
  std::chrono::seconds upgrade_retry_time{3};

  std::size_t connections_max = 100'000;  // open client connections and tunnels, a worker
};

}  // namespace passerelle
