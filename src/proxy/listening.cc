#include "proxy/listening.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <set>

#include "proxy/worker_thread.h"

namespace passerelle::proxy {
namespace {

// One socket for both families, as systemd makes them unless it is told otherwise.
bool takes_ipv4_too(int descriptor) {
  int only_v6 = 1;
  socklen_t length = sizeof only_v6;
  return ::getsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, &length) == 0 && only_v6 == 0;
}

void note_bound(Snapshot& snapshot, SocketId id, model::Index frontend, std::uint16_t port) {
  if (snapshot.frontend_of.size() <= id) snapshot.frontend_of.resize(id + 1);
  snapshot.frontend_of[id] = frontend;
  snapshot.bound_ports[frontend] = port;
}

}  // namespace

std::vector<Endpoint> Listening::drop_inherited() {
  std::vector<Endpoint> out;
  for (const InheritedSocket& socket : inherited_) out.push_back(socket.bound);
  inherited_.clear();
  return out;
}

const Listening::Socket* Listening::find(const Endpoint& asked, const std::string& frontend) const {
  // Port 0 is another port each time it is asked for; what a frontend got by it stays the frontend's.
  const auto found = std::ranges::find_if(sockets_, [&](const Socket& socket) {
    return socket.asked == asked && (asked.port != 0 || socket.frontend == frontend);
  });
  return found != sockets_.end() ? &*found : nullptr;
}

std::vector<Listening::Socket> Listening::open(const model::Gateway& gateway, Snapshot& snapshot,
                                               Problems& problems) {
  std::vector<Socket> opened;
  snapshot.bound_ports.resize(gateway.frontends.size());
  for (model::Index i = 0; i < gateway.frontends.size(); ++i) {
    const model::Frontend& frontend = gateway.frontends[i];
    if (frontend.listeners.empty()) {  // they are disabled
      snapshot.bound_ports[i] = frontend.port;
      continue;
    }
    std::uint16_t port = 0;  // with port 0 the second address takes the port the first one got
    for (const Endpoint& asked : frontend.binds) {
      if (const Socket* known = find(asked, frontend.name)) {
        port = known->bound.port;
        note_bound(snapshot, known->id, i, port);
        continue;
      }
      if (is_taken_by_ipv6(asked)) continue;
      auto socket = open_one(asked, port, frontend.name, opened);
      if (!socket) {
        // A machine without IPv6 still has IPv4.
        const bool no_ipv6 =
            asked.ip.v6 && frontend.binds.size() > 1 &&
            (socket.error().kind == ErrorKind::unreachable || socket.error().detail == EAFNOSUPPORT);
        if (!no_ipv6) problems.push_back(bind_problem(gateway, frontend, asked, socket.error()));
        continue;
      }
      port = socket->bound.port;
      note_bound(snapshot, socket->id, i, port);
      opened.push_back(std::move(*socket));
    }
  }
  return opened;
}

bool Listening::is_ours(const Endpoint& endpoint, const std::vector<Socket>& others) const {
  const auto stands_in_the_way = [&](const auto& socket) {
    const IpAddress any{{}, endpoint.ip.v6};
    return socket.bound.port == endpoint.port && socket.bound.ip.v6 == endpoint.ip.v6 &&
           (socket.bound.ip == endpoint.ip || socket.bound.ip == any || endpoint.ip == any);
  };
  return std::ranges::any_of(sockets_, stands_in_the_way) || std::ranges::any_of(others, stands_in_the_way) ||
         std::ranges::any_of(inherited_, stands_in_the_way);
}

std::optional<InheritedSocket> Listening::take_inherited(const Endpoint& asked, const std::string& frontend) {
  const auto found = std::ranges::find_if(inherited_, [&](const InheritedSocket& socket) {
    return socket.asked == asked && (asked.port != 0 || socket.frontend == frontend);
  });
  if (found == inherited_.end()) return std::nullopt;
  InheritedSocket out = std::move(*found);
  inherited_.erase(found);
  return out;
}

bool Listening::is_taken_by_ipv6(const Endpoint& asked) const {
  if (asked != Endpoint{{}, asked.port, {}}) return false;
  return std::ranges::any_of(inherited_, [&](const InheritedSocket& socket) {
    return socket.asked == Endpoint{{{}, true}, asked.port, {}} && !socket.descriptors.empty() &&
           takes_ipv4_too(socket.descriptors.front().get());
  });
}

// `descriptor` is adopted; without one a socket is opened.
Result<> Listening::listen(Socket& socket, std::size_t worker, io::Descriptor descriptor) {
  Result<std::unique_ptr<io::Listener>> listener;
  threads_[worker]->call([&](Worker& on) {
    listener =
        descriptor ? on.engine.adopt_listener(descriptor.release(), {}) : on.engine.listen(socket.bound, {});
  });
  if (!listener) return std::unexpected(listener.error());
  socket.bound.port = (*listener)->local().port;
  socket.fresh.push_back({worker, std::move(*listener)});
  return {};
}

Result<Listening::Socket> Listening::open_one(const Endpoint& asked, std::uint16_t port,
                                              const std::string& frontend,
                                              const std::vector<Socket>& others) {
  Socket out{next_++, asked, asked, frontend, {}};
  auto inherited = take_inherited(asked, frontend);
  out.bound = inherited ? inherited->bound : asked;
  if (out.bound.port == 0) out.bound.port = port;
  // SO_REUSEPORT would let a second Passerelle in; so first ask without it whether the address is free. Where
  // a socket of our own stands in the way of that question, it has no use.
  if (!inherited && out.bound.port != 0 && !is_ours(out.bound, others)) {
    const auto probe = control_.listen(out.bound, {.reuse_port = false, .backlog = 1});
    if (!probe) return std::unexpected(probe.error());
  }
  // What one socket has in its queue is for whoever accepts from it: each that was inherited gets a worker,
  // also where there are more of them than workers.
  std::vector<io::Descriptor> descriptors;
  if (inherited) descriptors = std::move(inherited->descriptors);
  // Where there are fewer, workers share one: a socket of its own would have a queue that is lost should this
  // process not get ready.
  const std::size_t given = descriptors.size();
  while (descriptors.size() < threads_.size()) {
    const int shared = given > 0 ? descriptors[descriptors.size() % given].get() : -1;
    descriptors.emplace_back(shared >= 0 ? ::fcntl(shared, F_DUPFD_CLOEXEC, 0) : -1);
  }
  for (std::size_t i = 0; i < descriptors.size(); ++i) {
    if (auto listening = listen(out, i % threads_.size(), std::move(descriptors[i])); !listening) {
      std::vector<Socket> half;
      half.push_back(std::move(out));
      close(half);
      return std::unexpected(listening.error());
    }
  }
  return out;
}

void Listening::close(std::vector<Socket>& sockets) {
  for (Socket& socket : sockets) {
    for (Fresh& fresh : socket.fresh) threads_[fresh.worker]->call([&](Worker&) { fresh.listener.reset(); });
  }
}

void Listening::commit(std::vector<Socket> sockets, const Snapshot& snapshot) {
  for (Socket& socket : sockets) {
    for (Fresh& fresh : socket.fresh) {
      threads_[fresh.worker]->call(
          [&](Worker& worker) { worker.add_listener(socket.id, std::move(fresh.listener)); });
    }
    socket.fresh.clear();
    sockets_.push_back(std::move(socket));
  }
  std::erase_if(sockets_, [&](const Socket& socket) {
    if (socket.id < snapshot.frontend_of.size() && snapshot.frontend_of[socket.id]) return false;
    for (const auto& thread : threads_)
      thread->call([&](Worker& worker) { worker.remove_listeners(socket.id); });
    return true;
  });
}

std::vector<SharedSocket> Listening::share() const {
  std::vector<SharedSocket> out;
  for (const Socket& socket : sockets_) {
    SharedSocket& shared = out.emplace_back(SharedSocket{socket.asked, socket.bound, socket.frontend, {}});
    for (const auto& thread : threads_) {
      thread->call([&](Worker& worker) {
        for (const int descriptor : worker.listening_descriptors(socket.id))
          shared.descriptors.push_back(descriptor);
      });
    }
  }
  return out;
}

Problem bind_problem(const model::Gateway& gateway, const model::Frontend& frontend, const Endpoint& endpoint,
                     const Error& error) {
  const std::string& name = gateway.listeners[frontend.listeners.front()].name;
  std::set<std::uint16_t> taken;
  for (const auto& other : gateway.frontends) {
    taken.insert(other.port);
    for (const auto& bind : other.binds) taken.insert(bind.port);
  }
  std::uint16_t free_port = frontend.port < 1024 ? static_cast<std::uint16_t>(8000 + frontend.port)
                                                 : static_cast<std::uint16_t>(frontend.port + 1);
  while (taken.contains(free_port)) ++free_port;
  const std::string instead = fmt::format("--port {}={}", frontend.port, free_port);
  Problem out{frontend.port_origin, Severity::error, "CannotListen", {}, {}};
  if (error.kind == ErrorKind::in_use) {
    out.code = "AddressInUse";
    out.message = fmt::format(
        "the listener '{}' cannot listen on {}: another program (perhaps another Passerelle) already does; "
        "stop it, or listen elsewhere with {}",
        name, endpoint.to_string(), instead);
  } else if (error.kind == ErrorKind::denied) {
    out.code = "PermissionDenied";
    out.message = fmt::format(
        "the listener '{}' may not listen on {}: ports below 1024 need root or the right "
        "CAP_NET_BIND_SERVICE "
        "(setcap cap_net_bind_service=+ep passerelle); or listen elsewhere with {}",
        name, endpoint.to_string(), instead);
  } else if (error.kind == ErrorKind::unreachable) {
    out.message = fmt::format(
        "the listener '{}' cannot listen on {}: this machine has no such address; give its frontend another "
        "with --bind NAME=ADDRESS",
        name, endpoint.to_string());
  } else {
    out.message = fmt::format("the listener '{}' cannot listen on {}: {} ({}); listen elsewhere with {}",
                              name, endpoint.to_string(), to_string(error.kind), error.detail, instead);
  }
  return out;
}

}  // namespace passerelle::proxy
