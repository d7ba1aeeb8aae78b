// The sockets the gateway listens on: opened, found again by the next configuration, passed from process to
// process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/problem.h"
#include "io/descriptor.h"
#include "io/engine.h"
#include "proxy/snapshot.h"

namespace passerelle::proxy {

class WorkerThread;

// A listening socket that another process has opened, with the sockets of its workers where it had several.
struct InheritedSocket {
  Endpoint asked;        // with the port of the configuration; that of `bound` where nobody knows it
  Endpoint bound;        // where it really listens
  std::string frontend;  // with port 0: whose it is
  std::vector<io::Descriptor> descriptors;
};

// The same as it goes out; the descriptors stay their workers'.
struct SharedSocket {
  Endpoint asked, bound;
  std::string frontend;
  std::vector<int> descriptors;
};

// A resource of the data plane, on the control plane's engine. Each worker has a listener of its own for each
// socket (SO_REUSEPORT).
class Listening {
 public:
  using Threads = std::vector<std::unique_ptr<WorkerThread>>;
  Listening(io::Engine& control, const Threads& threads) : control_(control), threads_(threads) {}

  // Taken, rather than opened, by whoever asks for their addresses.
  void inherit(std::vector<InheritedSocket> sockets) { inherited_ = std::move(sockets); }
  // Closes those that nobody asked for; where they listened.
  std::vector<Endpoint> drop_inherited();

  struct Fresh;
  struct Socket {
    SocketId id = 0;
    Endpoint asked;  // with the port of the configuration
    Endpoint bound;
    std::string frontend;
    std::vector<Fresh> fresh;  // until committed
  };
  // Opens what a configuration asks for and is not open yet; where each frontend really listens goes into the
  // snapshot.
  [[nodiscard]] std::vector<Socket> open(const model::Gateway& gateway, Snapshot& snapshot,
                                         Problems& problems);
  // They were not wanted after all.
  void close(std::vector<Socket>& sockets);
  // Hands them to the workers, and takes from them what no frontend of the snapshot has any more.
  void commit(std::vector<Socket> sockets, const Snapshot& snapshot);
  void forget() { sockets_.clear(); }

  [[nodiscard]] const std::vector<Socket>& sockets() const { return sockets_; }
  [[nodiscard]] std::vector<SharedSocket> share() const;

  struct Fresh {
    std::size_t worker = 0;
    std::unique_ptr<io::Listener> listener;
  };

 private:
  [[nodiscard]] const Socket* find(const Endpoint& asked, const std::string& frontend) const;
  Result<Socket> open_one(const Endpoint& asked, std::uint16_t port, const std::string& frontend,
                          const std::vector<Socket>& others);
  std::optional<InheritedSocket> take_inherited(const Endpoint& asked, const std::string& frontend);
  // Every IPv4 address of that port, where an inherited socket of IPv6 has them.
  [[nodiscard]] bool is_taken_by_ipv6(const Endpoint& asked) const;
  // Whether a socket of ours, or one we shall have, stands in the way of asking if an address is free.
  [[nodiscard]] bool is_ours(const Endpoint& endpoint, const std::vector<Socket>& others) const;
  Result<> listen(Socket& socket, std::size_t worker, io::Descriptor descriptor);

  io::Engine& control_;
  const Threads& threads_;
  std::vector<Socket> sockets_;
  std::vector<InheritedSocket> inherited_;
  SocketId next_ = 0;
};

// What "address in use" or "permission denied" means for this frontend, and what to do.
[[nodiscard]] Problem bind_problem(const model::Gateway& gateway, const model::Frontend& frontend,
                                   const Endpoint& endpoint, const Error& error);

}  // namespace passerelle::proxy
