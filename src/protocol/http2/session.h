// The server's side of an HTTP/2 connection (RFC 9113, RFC 8441) as bytes and events, over nghttp2. No I/O
// and no clock: bytes go in, frames to send come out, and handlers are told what they meant.
#pragma once

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "protocol/http2/frame_scanner.h"
#include "protocol/http2/request_head.h"

struct nghttp2_session;

namespace passerelle::http2 {

// RFC 9113 section 7.
enum class ErrorCode : std::uint32_t {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,
  cancel = 8,
  enhance_your_calm = 11,
};

// One stream, seen from its session: what it is told, and what it is asked for. Its events come from within
// Session::feed and take_output; it must call neither there. It may go at any time but then, and says so
// (release).
class StreamHandler {
 public:
  explicit StreamHandler(StreamId id) : id_(id) {}
  StreamHandler(const StreamHandler&) = delete;
  StreamHandler& operator=(const StreamHandler&) = delete;

  [[nodiscard]] StreamId id() const { return id_; }

  // Where the request's head goes.
  virtual MessageHead& head() = 0;
  // Of a body or a tunnel; valid for the call. Session::consume gives the room back.
  virtual void on_data(BytesView bytes) = 0;
  virtual void on_trailer(BytesView name, BytesView value) = 0;
  // The peer has said all.
  virtual void on_end() = 0;
  // The last word. `error` is 0 for an end in order.
  virtual void on_closed(std::uint32_t error) = 0;

  struct Output {
    BytesView bytes;                        // that wait to be sent
    bool last = false;                      // nothing follows them
    const MessageHead* trailers = nullptr;  // but these
  };
  [[nodiscard]] virtual Output output() = 0;
  // So many of its bytes, and the end where it was asked for, are in a frame now.
  virtual void on_framed(std::size_t bytes, bool ended) = 0;

 protected:
  ~StreamHandler() = default;

 private:
  friend class Session;
  StreamId id_;
  std::uint64_t unacknowledged_ = 0;  // bytes sent, and no WINDOW_UPDATE of the stream's for them
  bool waits_for_output_ = false;     // there was nothing to send
  bool waits_for_room_ = false;       // others have more right to the connection's window
  bool answered_ = false;
  bool own_window_ = false;
  bool reset_ = false;
};

class SessionHandler {
 public:
  // A new stream; its head begins.
  virtual StreamHandler& begin_stream(StreamId id) = 0;
  virtual void on_request(StreamHandler& stream, const RequestHead::Kind& kind) = 0;
  // The head cannot be taken, but the stream is there to say so.
  virtual void on_refused_head(StreamHandler& stream, const ParseError& why) = 0;

 protected:
  ~SessionHandler() = default;
};

// A resource of one connection. Streams share its way out fairly: frame by frame in turn, whatever priorities
// the client names; and none has more than half of the connection's window on the way, so that one nobody
// reads from stops itself alone. (Half, because clients give room back when half of it is used.)
class Session {
 public:
  Session(const Limits& limits, SessionHandler& handler);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // What was received. When the connection cannot go on, take_output() then says why to the peer, and
  // finished() is true.
  void feed(BytesView bytes, TimePoint now);
  // Appends frames until `out` has about `bytes_max` bytes; nothing is left when it does not grow.
  void take_output(std::string& out, std::size_t bytes_max);
  // Nothing more will come in or go out.
  [[nodiscard]] bool finished() const;
  // The peer broke the protocol, or asked for too much; it is being told.
  [[nodiscard]] bool broken() const { return broken_ || failed_; }
  // Frames that wait to go out, DATA not counted.
  [[nodiscard]] std::size_t replies_waiting() const;

  // A head; `ended`: nothing follows. Fields that have no place in HTTP/2 are left out; a 101 is a 200 here.
  void send_head(StreamHandler& stream, const MessageHead& head, bool ended);
  // The stream has output now.
  void resume(StreamHandler& stream);
  void reset(StreamHandler& stream, ErrorCode error);
  // The stream's owner goes; what it said to the end still leaves.
  void release(StreamHandler& stream);
  // And then the peer is told that it need not go on (RFC 9113 section 8.1).
  void end_and_release(StreamHandler& stream);
  void reset_and_release(StreamHandler& stream, ErrorCode error);
  // Received bytes were taken: the peer may send as many more.
  void consume(StreamHandler& stream, std::size_t bytes);
  // A tunnel: its own window is all that bounds it from now on. `unread`: bytes it has not consumed yet.
  void give_own_window(StreamHandler& stream, std::size_t unread);
  // Received bytes that nobody will take.
  void discard(StreamHandler& stream, std::size_t bytes);
  // The connection cannot go on; take_output() says so to the peer.
  void break_off(ErrorCode why);
  // No new streams; those that are open go on. The announcement alone leaves the peer time to read it.
  void announce_end();
  void go_away();

 private:
  class Callbacks;
  friend class Callbacks;

  [[nodiscard]] StreamHandler* find(StreamId id) const;
  void note_frame(const FrameHead& head);
  void note_idle_frame();
  void note_closed(StreamHandler& stream, std::uint32_t error);
  void end_head(StreamHandler& stream, bool ended);
  void give_room(StreamId id, std::uint32_t bytes);
  // How many bytes the stream may send now, for the others' sake.
  [[nodiscard]] std::size_t share_of(const StreamHandler& stream) const;
  void fill_fields(const MessageHead& head, bool trailers);

  const Limits& limits_;
  SessionHandler& handler_;
  nghttp2_session* session_ = nullptr;
  FrameScanner scanner_;
  RequestHead request_;  // the one that is coming in
  TokenBucket idle_frames_;
  TokenBucket resets_;
  TimePoint now_{};
  StreamId last_stream_ = 0;  // the peer's last
  std::size_t streams_ = 0;
  std::vector<StreamId> waiting_for_room_;
  std::optional<StreamId> last_served_;  // once the GOAWAY is said
  std::size_t block_bytes_ = 0;          // of the header block that is coming in, unpacked
  std::vector<StreamId> reset_at_end_;
  // Which of the last streams we reset: their peer may not know yet, and goes on sending (RFC 9113
  // section 5.1).
  static constexpr std::size_t remembered_streams = 4096;
  [[nodiscard]] static std::size_t slot_of(StreamId id) {
    return static_cast<std::size_t>(id) / 2 % remembered_streams;
  }
  std::bitset<remembered_streams> we_reset_;
  std::string* output_ = nullptr;  // while take_output runs
  std::size_t output_bytes_max_ = 0;
  std::uint64_t unacknowledged_ = 0;  // bytes sent, and no WINDOW_UPDATE of the connection's for them
  struct Fields;
  std::unique_ptr<Fields> fields_;  // of a head that is sent, as nghttp2 takes them
  bool broken_ = false;             // it was told why
  bool failed_ = false;             // it cannot even be told
};

}  // namespace passerelle::http2
