#include "io/descriptor_channel.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace passerelle::io {
namespace {

constexpr std::size_t read_bytes = 64 * kibibyte;

// Room for a control message with that many descriptors, aligned as the kernel wants it.
struct alignas(cmsghdr) Control {
  std::array<char, CMSG_SPACE(DescriptorChannel::descriptors_max * sizeof(int))> bytes{};
};

void put_descriptors(msghdr& message, Control& control, std::span<const int> descriptors) {
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
  std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
}

}  // namespace

Result<std::pair<Descriptor, Descriptor>> DescriptorChannel::make_pair() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0)
    return std::unexpected(error_from_errno(errno, "socketpair"));
  std::pair<Descriptor, Descriptor> out{Descriptor(ends[0]), Descriptor(ends[1])};
  ::fcntl(out.second.get(), F_SETFD, 0);
  return out;
}

DescriptorChannel::DescriptorChannel(SocketEngine& engine, Descriptor socket)
    : engine_(engine), socket_(std::move(socket)) {
  ::fcntl(socket_.get(), F_SETFD, FD_CLOEXEC);
  ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
  // Should it fail, the first send or receive that has to wait meets its deadline.
  (void)engine_.add(socket_.get(), *this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

DescriptorChannel::~DescriptorChannel() {
  engine_.suspend(socket_.get());
  engine_.remove(socket_.release(), *this);
}

void DescriptorChannel::on_events(std::uint32_t events) {
  if (reader_ != nullptr && (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0)
    std::exchange(reader_, nullptr)->request_stop();
  if (writer_ != nullptr && (events & ~static_cast<std::uint32_t>(EPOLLIN)) != 0)
    std::exchange(writer_, nullptr)->request_stop();
}

Task<Result<>> DescriptorChannel::ready(StopSource*& waiter, Wait wait) {
  StopSource woken(wait.stop);
  waiter = &woken;
  const bool slept = co_await engine_.sleep({wait.deadline, &woken});
  waiter = nullptr;
  if (slept) co_return fail(ErrorKind::timed_out, "another process");
  if (wait.stop != nullptr && wait.stop->requested()) co_return fail(ErrorKind::stopped);
  co_return Result<>();
}

Task<Result<>> DescriptorChannel::send(std::uint8_t kind, BytesView bytes, std::span<const int> descriptors,
                                       Wait wait) {
  if (descriptors.size() > descriptors_max || bytes.size() > message_bytes_max)
    co_return fail(ErrorKind::too_large, "a message between processes");
  Header header{static_cast<std::uint32_t>(bytes.size()), static_cast<std::uint16_t>(descriptors.size()),
                kind};
  std::string out(sizeof header, '\0');
  std::memcpy(out.data(), &header, sizeof header);
  out += bytes;
  Control control;
  for (std::size_t sent = 0; sent < out.size();) {
    iovec piece{out.data() + sent, out.size() - sent};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (sent == 0 && !descriptors.empty()) put_descriptors(message, control, descriptors);
    const ssize_t n = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (n >= 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      if (auto waited = co_await ready(writer_, wait); !waited) co_return waited;
    } else if (errno != EINTR) {
      co_return errno == EPIPE || errno == ECONNRESET ? fail(ErrorKind::closed, "another process")
                                                      : std::unexpected(error_from_errno(errno, "sendmsg"));
    }
  }
  co_return Result<>();
}

bool DescriptorChannel::message_is_complete() const {
  Header header;
  if (incoming_.size() < sizeof header) return false;
  std::memcpy(&header, incoming_.data(), sizeof header);
  return incoming_.size() - sizeof header >= header.bytes;
}

Result<bool> DescriptorChannel::read_some() {
  const std::size_t before = incoming_.size();
  incoming_.resize(before + read_bytes);
  iovec piece{incoming_.data() + before, read_bytes};
  Control control;
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t n = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
  const int number = errno;
  incoming_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n < 0 && (number == EAGAIN || number == EINTR)) return number == EINTR;
  if (n == 0 || (n < 0 && number == ECONNRESET)) return fail(ErrorKind::closed, "another process");
  if (n < 0) return std::unexpected(error_from_errno(number, "recvmsg"));
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int descriptor = -1;
      std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      incoming_descriptors_.emplace_back(descriptor);
    }
  }
  // We are out of descriptors: some were lost on the way.
  if ((message.msg_flags & MSG_CTRUNC) != 0) return fail(ErrorKind::no_resources, "recvmsg");
  return true;
}

Task<Result<ChannelMessage>> DescriptorChannel::receive(Wait wait) {
  while (!message_is_complete()) {
    if (incoming_.size() > message_bytes_max) co_return fail(ErrorKind::too_large, "message_bytes_max");
    const auto got = read_some();
    if (!got) co_return std::unexpected(got.error());
    if (*got) continue;
    if (auto waited = co_await ready(reader_, wait); !waited) co_return std::unexpected(waited.error());
  }
  Header header;
  std::memcpy(&header, incoming_.data(), sizeof header);
  if (incoming_descriptors_.size() < header.descriptors)
    co_return fail(ErrorKind::protocol, "descriptors are missing");
  ChannelMessage out{header.kind, incoming_.substr(sizeof header, header.bytes), {}};
  incoming_.erase(0, sizeof header + header.bytes);
  for (std::size_t i = 0; i < header.descriptors; ++i) {
    out.descriptors.push_back(std::move(incoming_descriptors_.front()));
    incoming_descriptors_.pop_front();
  }
  co_return out;
}

}  // namespace passerelle::io
