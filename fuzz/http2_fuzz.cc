// HTTP/2 sessions in both directions: whatever comes in, what goes out are whole frames; and every head that
// is handed on is, written as HTTP/1.1, one head that the strict parser reads back the same.
#include <memory>
#include <string>
#include <vector>

#include "fuzz/pieces.h"
#include "protocol/http1/head_parser.h"
#include "protocol/http1/head_writer.h"
#include "protocol/http2/frames_test_support.h"
#include "protocol/http2/session.h"

using namespace passerelle;
namespace h2 = testing_support::h2;

namespace {

void must_be_one_head(const MessageHead& head, const Limits& limits) {
  std::string text;
  http1::append_request_head(text, head);
  http1::HeadParser parser(http1::HeadKind::request);
  MessageHead read;
  const auto progress = parser.feed(text, limits, read);
  // An authority as CONNECT's target, or an empty one, is for the judge to refuse.
  if (!progress && (head.method() == "CONNECT" || head.target().empty())) return;
  fuzz::must(progress && progress->complete && progress->consumed == text.size());
  fuzz::must(read.method() == head.method() && read.target() == head.target());
  fuzz::must(read.fields.size() == head.fields.size());
  for (std::size_t i = 0; i < read.fields.size(); ++i)
    fuzz::must(read.name(read.fields[i]) == head.name(head.fields[i]));
}

// Answers as the stream's number says: at once, later, never, with trailers, as an echo.
class Application final : public http2::SessionHandler {
 public:
  struct One final : http2::StreamHandler {
    explicit One(http2::StreamId id) : StreamHandler(id) {}
    MessageHead& head() override { return request; }
    void on_data(BytesView bytes) override {
      fuzz::must(!closed && !ended);
      unread += bytes.size();
      if (echoes) to_send += bytes;
    }
    void on_trailer(BytesView, BytesView) override { fuzz::must(!closed && !ended); }
    void on_end() override {
      fuzz::must(!std::exchange(ended, true));
      last = true;
    }
    void on_closed(std::uint32_t) override { fuzz::must(!std::exchange(closed, true)); }
    Output output() override { return {to_send, last, with_trailers ? &request : nullptr}; }
    void on_framed(std::size_t bytes, bool) override {
      fuzz::must(bytes <= to_send.size());
      to_send.erase(0, bytes);
    }
    MessageHead request;
    std::string to_send;
    std::size_t unread = 0;
    bool echoes = false, ended = false, closed = false, last = false, with_trailers = false, begun = false;
  };

  http2::StreamHandler& begin_stream(http2::StreamId id) override {
    streams.push_back(std::make_unique<One>(id));
    return *streams.back();
  }
  void on_request(http2::StreamHandler& stream, const http2::RequestHead::Kind& kind) override {
    auto& one = static_cast<One&>(stream);
    must_be_one_head(one.request, limits);
    one.echoes = kind.websocket;
    one.ended = one.last = kind.ended;
    one.begun = true;
  }
  void on_refused_head(http2::StreamHandler& stream, const ParseError& why) override {
    fuzz::must(why.status >= 400 && why.status < 600);
    static_cast<One&>(stream).begun = true;
  }

  void work(http2::Session& session) {
    std::erase_if(streams, [&](auto& one) {
      if (one->closed) return true;
      const int manner = one->id() / 2 % 8;
      if (std::exchange(one->begun, false) && manner != 7) {
        MessageHead head;
        head.set_response(one->echoes ? 101 : 200, "");
        head.add("X-Of", one->request.target());
        one->with_trailers = manner == 3;
        if (!one->echoes) one->to_send.assign(manner == 4 ? 100'000 : 10, 'x');
        session.send_head(*one, head, manner == 5);
      }
      session.consume(*one, std::exchange(one->unread, 0));
      session.resume(*one);
      if (manner != 6) return false;
      session.reset_and_release(*one, http2::ErrorCode::cancel);
      return true;
    });
  }

  const Limits limits;
  std::vector<std::unique_ptr<One>> streams;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Application application;
  http2::Session session(application.limits, application);
  std::string out;
  TimePoint now{};
  session.feed(h2::preface, now);
  for (const auto piece : fuzz::pieces_of(fuzz::as_text(data, size))) {
    now += std::chrono::milliseconds(1);
    session.feed(piece, now);
    application.work(session);
    session.take_output(out, out.size() + 4000);
    (void)h2::take_frames(out);
    if (session.finished()) break;
  }
  session.take_output(out, std::string::npos);
  (void)h2::take_frames(out);
  fuzz::must(out.empty());
  return 0;
}
