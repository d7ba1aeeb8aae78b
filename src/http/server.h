// A small HTTP server for our own pages: the admin listener, the demo backend. Not the journey's.
#pragma once

#include <functional>
#include <memory>
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
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> fields;
};

// A resource on one engine; stop() it before it goes. Bodies over 1 MiB are refused.
class Server {
 public:
  // The request lives until the task has ended.
  using Handler = std::function<io::Task<Response>(const Request&)>;
  // What takes an upgrade over: it owns the stream from then on.
  using UpgradeHandler =
      std::function<io::Task<>(std::unique_ptr<io::Stream>, const MessageHead&, std::string unread)>;

  Server(io::Engine& engine, Handler handler, UpgradeHandler upgrade = {})
      : engine_(engine), handler_(std::move(handler)), upgrade_(std::move(upgrade)), tasks_(engine) {}

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

  io::Engine& engine_;
  Handler handler_;
  UpgradeHandler upgrade_;
  Limits limits_;
  Workspace workspace_;
  HttpDate date_;
  io::TaskGroup tasks_;
  io::StopSource accepting_{&tasks_.stop_source()};
  std::unique_ptr<io::Listener> listener_;
};

}  // namespace passerelle::http
