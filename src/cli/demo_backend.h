// The demo backend: something to stand behind the gateway in the first minute.
#pragma once

#include <memory>
#include <string>

#include "http/server.h"
#include "protocol/websocket/frame.h"

namespace passerelle::cli {

// A resource on one engine. `/` a chat page, `/chat` a room for all, `/echo`, `/health` 200; messages up to
// 16 MiB.
class DemoBackend {
 public:
  DemoBackend(io::Engine& engine, std::string name);
  void serve(std::unique_ptr<io::Listener> listener) { server_.serve(std::move(listener)); }
  [[nodiscard]] io::Task<> stop() { return server_.stop(); }

 private:
  class Guest;
  [[nodiscard]] io::Task<http::Response> page(const http::Request& request) const;
  io::Task<> welcome(std::unique_ptr<io::Stream> stream, const MessageHead& head, std::string unread);
  io::Task<> converse(Guest& guest, bool chat, std::string unread);
  // False: the conversation is over.
  io::Task<bool> hear(Guest& guest, bool chat, const websocket::Frame& frame);
  io::Task<> write_loop(Guest& guest);

  io::Engine& engine_;
  std::string name_;
  http::Server server_;
  IntrusiveList<Guest> room_;
};

}  // namespace passerelle::cli
