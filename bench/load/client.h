// What every client of the load does: connect, send what is asked of it, read.
#pragma once

#include <memory>
#include <string>

#include "loop.h"
#include "recorder.h"
#include "wire.h"

namespace bench {

// What all clients of one load share.
struct Load {
  const Plan& plan;
  Loop& loop;
  Recorder& recorder;
  SSL_CTX* tls = nullptr;
  unsigned opening = 0;
};

// Lives until the load ends. A connection that fails is counted, and not opened again unless its kind says
// so.
class Client : public Handler {
 public:
  explicit Client(Load& load) : load_(load) {}
  virtual ~Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void open();
  void on_events(std::uint32_t events) final;

 protected:
  virtual void on_open() = 0;
  // False: this is not what was to come.
  [[nodiscard]] virtual bool on_bytes(std::string_view bytes) = 0;
  virtual void on_end() { fail("the gateway closed the connection"); }
  // Called when all that was asked for is sent.
  virtual void on_sent() {}

  // `then` must stay where it is until on_sent.
  void send(std::string first, std::string_view then = {});
  [[nodiscard]] bool sending() const { return !first_.empty() || !then_.empty(); }
  void fail(const char* why);
  void drop() { dropped_ = true; }
  // In place of the connection there was.
  void open_again();
  [[nodiscard]] Load& load() { return load_; }
  [[nodiscard]] Recorder& recorder() { return load_.recorder; }

 private:
  void flush();

  Load& load_;
  std::unique_ptr<Wire> wire_;
  std::string first_;
  std::string_view then_;
  unsigned generation_ = 0;  // of the connection
  bool opening_ = false;
  bool readable_ = false;
  bool finished_ = false;  // the peer has: no other edge says so, the end is to be read
  bool writable_ = false;
  bool dropped_ = false;
};

// By what the plan names; ends the program where it names nothing known.
[[nodiscard]] std::unique_ptr<Client> make_websocket_client(Load& load, bool talks);
[[nodiscard]] std::unique_ptr<Client> make_http_client(Load& load);
[[nodiscard]] std::unique_ptr<Client> make_http2_client(Load& load);

}  // namespace bench
