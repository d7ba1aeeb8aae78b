#include "protocol/http2/session.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <limits>

#include "base/text.h"
#include "protocol/trailers.h"

namespace passerelle::http2 {
namespace {

BytesView view(const std::uint8_t* bytes, std::size_t size) {
  return {static_cast<const char*>(static_cast<const void*>(bytes)), size};
}

std::uint8_t* as_bytes(std::string_view text) {
  // nghttp2 takes names and values as not const and leaves them alone.
  return const_cast<std::uint8_t*>(static_cast<const std::uint8_t*>(static_cast<const void*>(text.data())));
}

nghttp2_nv make_field(std::string_view name, std::string_view value) {
  return {as_bytes(name), as_bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE};
}

// Connection's fields have no place in HTTP/2 (RFC 9113 section 8.2.2), nor has what a 101 says of its
// upgrade.
bool is_of_http1(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::http2_settings:
    case FieldId::keep_alive:
    case FieldId::proxy_connection:
    case FieldId::sec_websocket_accept:
    case FieldId::transfer_encoding:
    case FieldId::upgrade: return true;
    default: return false;
  }
}

}  // namespace

struct Session::Fields {
  std::vector<nghttp2_nv> list;
  std::string names;  // in lower case
};

// nghttp2's callbacks: events in, frames out.
class Session::Callbacks {
 public:
  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, on_frame_not_sent);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_session_callbacks_set_send_callback(callbacks, on_send);
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
    return callbacks;
  }

  static Session& self(void* user) { return *static_cast<Session*>(user); }

  static int on_begin_headers(nghttp2_session* nghttp2, const nghttp2_frame* frame, void* user) {
    Session& session = self(user);
    session.block_bytes_ = 0;
    if (frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;  // trailers
    const StreamId id = frame->hd.stream_id;
    session.last_stream_ = id;
    ++session.streams_;
    session.we_reset_.reset(session.slot_of(id));
    if (session.last_served_ && id > *session.last_served_) {
      // Our GOAWAY is on its way, and says that this one is not served.
      nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM);
      return 0;
    }
    StreamHandler& stream = session.handler_.begin_stream(id);
    nghttp2_session_set_stream_user_data(nghttp2, id, &stream);
    // In turn with the others (RFC 9218 section 10), whatever the client asks for.
    const nghttp2_extpri in_turn{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(nghttp2, id, &in_turn, 1);
    session.request_.begin(stream.head());
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_size, const std::uint8_t* value, std::size_t value_size, std::uint8_t,
                       void* user) {
    Session& session = self(user);
    // Past this many times its limit a head is an attack on whoever unpacks it (CVE-2016-6581).
    constexpr std::size_t bomb_factor = 8;
    session.block_bytes_ += name_size + value_size + RequestHead::field_overhead;
    if (session.block_bytes_ > session.limits_.h2_head_bytes_max * bomb_factor) {
      session.break_off(ErrorCode::enhance_your_calm);
      return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    StreamHandler* stream = session.find(frame->hd.stream_id);
    if (stream == nullptr) return 0;
    if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
      session.request_.add(view(name, name_size), view(value, value_size), session.limits_);
    else
      stream->on_trailer(view(name, name_size), view(value, value_size));
    return 0;
  }

  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Session& session = self(user);
    StreamHandler* stream = session.find(frame->hd.stream_id);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        if (stream == nullptr) break;
        if (frame->headers.cat == NGHTTP2_HCAT_REQUEST)
          session.end_head(*stream, ended);
        else if (ended)
          stream->on_end();
        break;
      case NGHTTP2_DATA:
        // Padding is no progress.
        if (frame->hd.length == frame->data.padlen && !ended) session.note_idle_frame();
        if (ended && stream != nullptr) stream->on_end();
        break;
      case NGHTTP2_WINDOW_UPDATE:
        session.give_room(frame->hd.stream_id,
                          static_cast<std::uint32_t>(frame->window_update.window_size_increment));
        break;
      default: break;
    }
    return session.broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* user) {
    Session& session = self(user);
    session.note_idle_frame();
    return session.broken_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
  }

  static int on_data(nghttp2_session* nghttp2, std::uint8_t, std::int32_t id, const std::uint8_t* data,
                     std::size_t size, void* user) {
    StreamHandler* stream = self(user).find(id);
    if (stream == nullptr) {
      nghttp2_session_consume_connection(nghttp2, size);
      return 0;
    }
    // A tunnel's own window is all that bounds it: what it has not taken is not held against the others.
    if (stream->own_window_) nghttp2_session_consume_connection(nghttp2, size);
    stream->on_data(view(data, size));
    return 0;
  }

  static int on_close(nghttp2_session* nghttp2, std::int32_t id, std::uint32_t error, void* user) {
    Session& session = self(user);
    StreamHandler* stream = session.find(id);
    nghttp2_session_set_stream_user_data(nghttp2, id, nullptr);
    std::erase(session.reset_at_end_, id);
    if (--session.streams_ == 1) session.give_room(0, 0);  // there is nobody to share with
    if (stream != nullptr) session.note_closed(*stream, error);
    return 0;
  }

  static ssize_t on_send(nghttp2_session*, const std::uint8_t* data, std::size_t size, int, void* user) {
    Session& session = self(user);
    if (session.output_->size() >= session.output_bytes_max_) return NGHTTP2_ERR_WOULDBLOCK;
    session.output_->append(view(data, size));
    return static_cast<ssize_t>(size);
  }

  // How much of a stream's output goes into the next DATA frame; on_send_data copies it.
  static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t*, std::size_t size,
                         std::uint32_t* flags, nghttp2_data_source*, void* user) {
    Session& session = self(user);
    StreamHandler* stream = session.find(id);
    if (stream == nullptr) return NGHTTP2_ERR_DEFERRED;  // its reset is on the way
    const StreamHandler::Output output = stream->output();
    if (output.bytes.empty() && !output.last) {
      stream->waits_for_output_ = true;
      return NGHTTP2_ERR_DEFERRED;
    }
    const std::size_t share = session.share_of(*stream);
    if (!output.bytes.empty() && share == 0) {
      if (!std::exchange(stream->waits_for_room_, true)) session.waiting_for_room_.push_back(id);
      return NGHTTP2_ERR_DEFERRED;
    }
    const std::size_t taken = std::min({output.bytes.size(), size, share});
    *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    if (output.last && taken == output.bytes.size()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF;
      if (output.trailers != nullptr) submit_trailers(session, id, *output.trailers, *flags);
    }
    return static_cast<ssize_t>(taken);
  }

  static int on_send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head, std::size_t size,
                          nghttp2_data_source*, void* user) {
    Session& session = self(user);
    if (session.output_->size() >= session.output_bytes_max_) return NGHTTP2_ERR_WOULDBLOCK;
    StreamHandler* stream = session.find(frame->hd.stream_id);
    const StreamHandler::Output output = stream != nullptr ? stream->output() : StreamHandler::Output{};
    const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    // What on_read promised may have been called off since.
    if (output.bytes.size() < size || (ends && !output.last)) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    constexpr std::size_t frame_head_bytes = 9;
    session.output_->append(view(head, frame_head_bytes));
    session.output_->append(output.bytes.substr(0, size));
    stream->unacknowledged_ += size;
    session.unacknowledged_ += size;
    // It is owed WINDOW_UPDATEs, of the stream and of the connection: clients with small buffers send one a
    // kibibyte.
    session.idle_frames_.give_back(2 + 2 * static_cast<double>(size) / kibibyte);
    stream->on_framed(size, output.last && size == output.bytes.size());
    return 0;
  }

  static int on_frame_sent(nghttp2_session* nghttp2, const nghttp2_frame* frame, void* user) {
    Session& session = self(user);
    const StreamId id = frame->hd.stream_id;
    if (frame->hd.type == NGHTTP2_RST_STREAM) session.we_reset_.set(session.slot_of(id));
    const bool may_end = frame->hd.type == NGHTTP2_DATA || frame->hd.type == NGHTTP2_HEADERS;
    if (may_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
        std::erase(session.reset_at_end_, id) > 0)
      nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
    return 0;
  }

  // A head too long to be framed: nobody must wait for it.
  static int on_frame_not_sent(nghttp2_session* nghttp2, const nghttp2_frame* frame, int, void*) {
    if (frame->hd.type == NGHTTP2_HEADERS)
      nghttp2_submit_rst_stream(nghttp2, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_INTERNAL_ERROR);
    return 0;
  }

 private:
  static void submit_trailers(Session& session, StreamId id, const MessageHead& trailers,
                              std::uint32_t& flags) {
    session.fill_fields(trailers, true);
    const auto& fields = session.fields_->list;
    if (fields.empty()) return;
    if (nghttp2_submit_trailer(session.session_, id, fields.data(), fields.size()) == 0)
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  }
};

StreamHandler* Session::find(StreamId id) const {
  return id == 0 ? nullptr : static_cast<StreamHandler*>(nghttp2_session_get_stream_user_data(session_, id));
}

void Session::break_off(ErrorCode why) {
  if (std::exchange(broken_, true)) return;
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(why));
}

void Session::note_idle_frame() {
  if (!idle_frames_.take(now_)) break_off(ErrorCode::enhance_your_calm);
}

// What nghttp2 passes over: frames that mean nothing to it, and those of a stream that is closed. RFC 9113
// section 5.1 lets the latter end the connection, unless the peer could not know yet.
void Session::note_frame(const FrameHead& head) {
  const StreamId id = head.stream;
  if (head.type == FrameType::priority) {
    // RFC 7540 sections 5.3.1 and 6.3; priorities as such are not followed.
    if (id == 0 || head.depends_on == id) return break_off(ErrorCode::protocol_error);
    if (head.length != 5) return break_off(ErrorCode::frame_size_error);
  }
  if (head.type != FrameType::data && head.type != FrameType::headers) return note_idle_frame();
  const bool closed =
      id > 0 && id % 2 == 1 && id <= last_stream_ && nghttp2_session_find_stream(session_, id) == nullptr;
  if (!closed) return;
  if (we_reset_.test(slot_of(id))) return note_idle_frame();
  break_off(ErrorCode::stream_closed);
}

void Session::note_closed(StreamHandler& stream, std::uint32_t error) {
  if (error != 0 && !stream.answered_ && !resets_.take(now_)) break_off(ErrorCode::enhance_your_calm);
  stream.on_closed(error);
}

void Session::end_head(StreamHandler& stream, bool ended) {
  const auto kind = request_.finish(ended);
  if (!kind) return handler_.on_refused_head(stream, kind.error());
  handler_.on_request(stream, *kind);
}

std::size_t Session::share_of(const StreamHandler& stream) const {
  constexpr std::size_t all = std::numeric_limits<std::size_t>::max();
  if (streams_ <= 1) return all;
  const auto left = static_cast<std::uint64_t>(std::max(nghttp2_session_get_remote_window_size(session_), 0));
  const std::uint64_t half = (left + unacknowledged_ + 1) / 2;
  // Of a stream's bytes no more can be unread than of all.
  const std::uint64_t used = std::min(stream.unacknowledged_, unacknowledged_);
  return used < half ? half - used : 0;
}

void Session::give_room(StreamId id, std::uint32_t bytes) {
  if (id == 0)
    unacknowledged_ -= std::min<std::uint64_t>(unacknowledged_, bytes);
  else if (StreamHandler* stream = find(id))
    stream->unacknowledged_ -= std::min<std::uint64_t>(stream->unacknowledged_, bytes);
  const std::vector<StreamId> waiting = std::move(waiting_for_room_);
  waiting_for_room_.clear();
  for (const StreamId each : waiting) {
    if (StreamHandler* stream = find(each)) {
      stream->waits_for_room_ = false;
      nghttp2_session_resume_data(session_, each);
    }
  }
}

Session::Session(const Limits& limits, SessionHandler& handler)
    : limits_(limits),
      handler_(handler),
      idle_frames_(limits.h2_idle_frames),
      resets_(limits.h2_resets),
      fields_(std::make_unique<Fields>()) {
  nghttp2_session_callbacks* callbacks = Callbacks::make();
  nghttp2_option* options = nullptr;
  nghttp2_option_new(&options);
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_option_set_no_closed_streams(options, 1);  // no memory for what is over
  nghttp2_option_set_max_outbound_ack(options, limits_.h2_replies_max);
  // Counted here, where it is known which resets are an abuse.
  constexpr std::uint64_t as_many_as_come = 1U << 30;
  nghttp2_option_set_stream_reset_rate_limit(options, as_many_as_come, as_many_as_come);
  // Of what members answer, with what rewrites add; HTTP/1 has no limit of its own there either.
  nghttp2_option_set_max_send_header_block_length(options, mebibyte);
  nghttp2_option_set_max_continuations(options, limits_.h2_continuations_max);
  nghttp2_session_server_new2(&session_, callbacks, this, options);
  nghttp2_option_del(options);
  nghttp2_session_callbacks_del(callbacks);
  const auto number = [](std::size_t size) { return static_cast<std::uint32_t>(size); };
  const std::array settings = {
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, number(limits_.h2_streams_max)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, number(limits_.h2_stream_window_bytes)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, number(limits_.h2_head_bytes_max)},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
      nghttp2_settings_entry{NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
  };
  nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0,
                                        static_cast<std::int32_t>(limits_.h2_connection_window_bytes));
}

Session::~Session() { nghttp2_session_del(session_); }

void Session::feed(BytesView bytes, TimePoint now) {
  now_ = now;
  while (!bytes.empty() && !broken_) {
    const auto [piece, head] = scanner_.next(bytes);
    if (head) note_frame(*head);
    if (broken_) return;
    const auto taken = nghttp2_session_mem_recv(session_, as_bytes(piece), piece.size());
    if (taken >= 0) continue;
    const bool too_much = taken == NGHTTP2_ERR_FLOODED || taken == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS;
    break_off(too_much ? ErrorCode::enhance_your_calm : ErrorCode::protocol_error);
  }
}

void Session::take_output(std::string& out, std::size_t bytes_max) {
  output_ = &out;
  output_bytes_max_ = bytes_max;
  if (nghttp2_session_send(session_) != 0) failed_ = true;
  output_ = nullptr;
}

bool Session::finished() const {
  return failed_ || (nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0);
}

std::size_t Session::replies_waiting() const { return nghttp2_session_get_outbound_queue_size(session_); }

void Session::fill_fields(const MessageHead& head, bool trailers) {
  auto& [list, names] = *fields_;
  list.clear();
  names.clear();
  std::size_t size = 0;
  for (const auto& field : head.fields) size += field.name.size;
  names.reserve(size);  // so that what points into it stays
  for (const auto& field : head.fields) {
    if (trailers ? !may_be_trailer(head, field) : is_of_http1(field.id)) continue;
    const std::size_t at = names.size();
    for (const char c : head.name(field)) names += ascii_lower(c);
    list.push_back(make_field(std::string_view(names).substr(at), head.value(field)));
  }
}

void Session::send_head(StreamHandler& stream, const MessageHead& head, bool ended) {
  // RFC 8441 section 5: what a 101 says is a 200 here.
  const bool interim = head.status < 200 && head.status != 101;
  const int status = head.status == 101 ? 200 : head.status;
  const std::array<char, 3> digits{static_cast<char>('0' + status / 100),
                                   static_cast<char>('0' + status / 10 % 10),
                                   static_cast<char>('0' + status % 10)};
  fill_fields(head, false);
  auto& fields = fields_->list;
  fields.insert(fields.begin(), make_field(":status", {digits.data(), digits.size()}));
  if (interim) {
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream.id(), nullptr, fields.data(), fields.size(),
                           nullptr);
    return;
  }
  stream.answered_ = true;
  nghttp2_data_provider provider{};
  provider.read_callback = Callbacks::on_read;
  nghttp2_submit_response(session_, stream.id(), fields.data(), fields.size(), ended ? nullptr : &provider);
}

void Session::resume(StreamHandler& stream) {
  if (std::exchange(stream.waits_for_output_, false)) nghttp2_session_resume_data(session_, stream.id());
}

void Session::reset(StreamHandler& stream, ErrorCode error) {
  if (find(stream.id()) == &stream && !std::exchange(stream.reset_, true))
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id(), static_cast<std::uint32_t>(error));
}

void Session::release(StreamHandler& stream) {
  if (find(stream.id()) == &stream) nghttp2_session_set_stream_user_data(session_, stream.id(), nullptr);
}

void Session::reset_and_release(StreamHandler& stream, ErrorCode error) {
  reset(stream, error);
  release(stream);
}

void Session::end_and_release(StreamHandler& stream) {
  if (find(stream.id()) != &stream) return;  // closed already
  // A reset overtakes what is queued: not before the end is framed.
  if (nghttp2_session_get_stream_local_close(session_, stream.id()) == 1)
    reset(stream, ErrorCode::no_error);
  else
    reset_at_end_.push_back(stream.id());
  release(stream);
}

void Session::give_own_window(StreamHandler& stream, std::size_t unread) {
  nghttp2_session_consume_connection(session_, unread);
  stream.own_window_ = true;
}

void Session::consume(StreamHandler& stream, std::size_t bytes) {
  if (!stream.own_window_) nghttp2_session_consume_connection(session_, bytes);
  nghttp2_session_consume_stream(session_, stream.id(), bytes);
}

void Session::discard(StreamHandler& stream, std::size_t bytes) {
  if (!stream.own_window_) nghttp2_session_consume_connection(session_, bytes);
}

void Session::announce_end() { nghttp2_submit_shutdown_notice(session_); }

void Session::go_away() {
  last_served_ = nghttp2_session_get_last_proc_stream_id(session_);
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, *last_served_, NGHTTP2_NO_ERROR, nullptr, 0);
}

}  // namespace passerelle::http2
