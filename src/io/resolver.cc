#include "io/resolver.h"

#include <ares.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "base/thread_name.h"

namespace passerelle::io {
namespace {

// A name without a TTL of its own (hosts file) is asked again this often.
constexpr int default_ttl_seconds = 30;

Resolution to_resolution(const ares_addrinfo& info) {
  Resolution out;
  int ttl = -1;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    IpAddress ip;
    if (node->ai_family == AF_INET) {
      sockaddr_in address{};
      std::memcpy(&address, node->ai_addr, sizeof address);
      std::memcpy(ip.bytes.data(), &address.sin_addr, 4);
    } else {
      sockaddr_in6 address{};
      std::memcpy(&address, node->ai_addr, sizeof address);
      ip.v6 = true;
      std::memcpy(ip.bytes.data(), &address.sin6_addr, 16);
    }
    out.addresses.push_back(ip);
    ttl = ttl < 0 ? node->ai_ttl : std::min(ttl, node->ai_ttl);
  }
  std::ranges::sort(out.addresses, {}, [](const IpAddress& ip) { return std::pair(ip.v6, ip.bytes); });
  const auto repeats = std::ranges::unique(out.addresses);
  out.addresses.erase(repeats.begin(), repeats.end());
  out.ttl = std::chrono::seconds(ttl > 0 ? ttl : default_ttl_seconds);
  return out;
}

void on_answer(void* argument, int status, int, ares_addrinfo* info) {
  const std::unique_ptr<Resolver::Done> done(static_cast<Resolver::Done*>(argument));
  if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED) return;
  if (status != ARES_SUCCESS || info == nullptr || info->nodes == nullptr) {
    (*done)(fail(ErrorKind::unreachable, ares_strerror(status)));
  } else {
    (*done)(to_resolution(*info));
  }
  if (info != nullptr) ares_freeaddrinfo(info);
}

void wait_and_process(ares_channel channel, int wake) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int bits = ares_getsock(channel, sockets.data(), static_cast<int>(sockets.size()));
  std::array<pollfd, ARES_GETSOCK_MAXNUM + 1> polled{};
  std::size_t count = 0;
  polled[count++] = {wake, POLLIN, 0};
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    short events = 0;
    if (ARES_GETSOCK_READABLE(bits, i)) events |= POLLIN;
    if (ARES_GETSOCK_WRITABLE(bits, i)) events |= POLLOUT;
    if (events != 0) polled[count++] = {sockets[static_cast<std::size_t>(i)], events, 0};
  }
  timeval longest{60, 0}, left{};
  const timeval* timeout = ares_timeout(channel, &longest, &left);
  ::poll(polled.data(), count, static_cast<int>(timeout->tv_sec * 1000 + timeout->tv_usec / 1000 + 1));
  for (std::size_t i = 1; i < count; ++i) {
    const bool in = (polled[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool out = (polled[i].revents & POLLOUT) != 0;
    if (in || out)
      ares_process_fd(channel, in ? polled[i].fd : ARES_SOCKET_BAD, out ? polled[i].fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
  if ((polled[0].revents & POLLIN) != 0) {
    std::uint64_t told = 0;
    [[maybe_unused]] const auto got = ::read(wake, &told, sizeof told);
  }
}

}  // namespace

AresResolver::AresResolver() : wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), thread_([this] { run(); }) {}

AresResolver::~AresResolver() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
  thread_.join();
  ::close(wake_);
}

void AresResolver::resolve(const std::string& host, Done done) {
  {
    const std::lock_guard lock(mutex_);
    queue_.push_back({host, std::move(done)});
  }
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

void AresResolver::run() {
  name_this_thread("resolver");
  ares_library_init(ARES_LIB_INIT_ALL);
  ares_channel channel = nullptr;
  ares_options options{};
  options.timeout = 2000;
  options.tries = 3;
  const bool sound =
      ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) == ARES_SUCCESS;
  for (;;) {
    std::deque<Query> fresh;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      fresh.swap(queue_);
    }
    for (Query& query : fresh) {
      if (!sound) {
        query.done(fail(ErrorKind::unreachable, "the resolver could not start"));
        continue;
      }
      ares_addrinfo_hints hints{};
      hints.ai_family = AF_UNSPEC;
      ares_getaddrinfo(channel, query.host.c_str(), nullptr, &hints, on_answer,
                       new Done(std::move(query.done)));
    }
    if (sound)
      wait_and_process(channel, wake_);
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  if (sound) ares_destroy(channel);
  ares_library_cleanup();
}

}  // namespace passerelle::io
