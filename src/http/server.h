// A small HTTP server for our own pages: the admin listener, the demo backend. Not the journey's.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "http/workspace.h"
#include "io/engine.h"
#include "io/task_group.h"
#include "protocol/http1/request_target.h"
#include "protocol/http_date.h"
#include "protocol/message_head.h"

namespace passerelle::http {

struct Request {
  const MessageHead& head;
  http1::RequestTarget target;
  std::string body;
  bool secure = false;  // came over TLS
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

// What a Server does besides answering. Each function may be empty.
struct ServerOptions {
  // Takes an upgrade over: it owns the stream from then on.
  std::function<io::Task<>(std::unique_ptr<io::Stream>, const MessageHead&, std::string unread)> upgrade = {};
  // The refusal of a request by its head alone, before any of its body is read.
  std::function<std::optional<Response>(const Request&)> refuse = {};
  // Makes TLS of a connection; null: the handshake failed. Without it the server speaks clear text.
  std::function<io::Task<std::unique_ptr<io::Stream>>(std::unique_ptr<io::Stream>, io::Wait)> secure = {};
  // What comes past it is closed at once.
  std::size_t connections_max = std::numeric_limits<std::size_t>::max();
};

// A resource on one engine; stop() it before it goes.
class Server {
 public:
  // The request lives until the task has ended.
  using Handler = std::function<io::Task<Response>(const Request&)>;
  // Larger ones are refused: Azure's limit of a request to its REST API.
  static constexpr std::size_t body_bytes_max = 4 * mebibyte;

  Server(io::Engine& engine, Handler handler, ServerOptions options = {})
      : engine_(engine), handler_(std::move(handler)), options_(std::move(options)), tasks_(engine) {}

  void serve(std::unique_ptr<io::Listener> listener);
  // Nobody new; whoever asks for something gets it, and then an end.
  void stop_accepting() { accepting_.request_stop(); }
  [[nodiscard]] io::Task<> stop();
  [[nodiscard]] const io::Listener* listener() const { return listener_.get(); }
  [[nodiscard]] io::TaskGroup& tasks() { return tasks_; }

 private:
  io::Task<> accept_loop();
  io::Task<> serve_connection(std::unique_ptr<io::Stream> stream);
  io::Task<bool> serve_request(io::Stream& stream, class MessageSource& source, const MessageHead& head);
  [[nodiscard]] bool is_refused(const MessageHead& head) const;
  // The answer, unless the connection is gone. The next request can only be told where this one was read
  // `whole`.
  io::Task<std::optional<Response>> read_and_answer(io::Stream& stream, class MessageSource& source,
                                                    const MessageHead& head, bool& whole);

  io::Engine& engine_;
  Handler handler_;
  ServerOptions options_;
  Limits limits_;
  Workspace workspace_;
  HttpDate date_;
  io::TaskGroup tasks_;
  io::StopSource accepting_{&tasks_.stop_source()};
  std::unique_ptr<io::Listener> listener_;
};

}  // namespace passerelle::http
