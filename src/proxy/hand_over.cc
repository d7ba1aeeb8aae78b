#include "proxy/hand_over.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "io/uring_stream.h"

namespace passerelle::proxy {
namespace {

// A stream has parked at most what a receive can lend, and may have some unread.
static_assert(io::DescriptorChannel::message_bytes_max >=
              io::DescriptorChannel::descriptors_max * (io::SocketEngine::receive_buffer_bytes +
                                                        io::UringStream::unread_bytes_max + 16 * kibibyte));

// Of the conversation, and of all that is written in it. Whoever changes either counts on.
constexpr std::uint32_t version = 2;
constexpr std::size_t tunnels_a_message = io::DescriptorChannel::descriptors_max / tunnel_sides;

enum class Kind : std::uint8_t { hello, sockets, taken, knowledge, prepared, tunnels, go, leave };
std::uint8_t number_of(Kind kind) { return static_cast<std::uint8_t>(kind); }

std::string in_words(const Error& error) {
  return error.kind == ErrorKind::closed      ? "it is gone"
         : error.kind == ErrorKind::timed_out ? "it says nothing"
         : error.kind == ErrorKind::stopped   ? "the gateway stops"
                                              : fmt::format("{} {}", to_string(error.kind), error.what);
}

std::unexpected<std::string> failed(std::string_view when, const Error& error) {
  return std::unexpected(fmt::format("{}: {}", when, in_words(error)));
}

io::Task<Result<io::ChannelMessage>> receive(io::DescriptorChannel& channel, Kind kind, io::Wait wait) {
  auto got = co_await channel.receive(wait);
  if (got && got->kind != number_of(kind)) co_return fail(ErrorKind::protocol, "an unexpected message");
  co_return got;
}

Result<InheritedSocket> read_socket(BinaryReader& in, std::vector<io::Descriptor>& descriptors) {
  InheritedSocket out;
  const auto asked = Endpoint::parse(in.text());
  const auto bound = Endpoint::parse(in.text());
  out.frontend = in.text();
  if (!in.complete() || !asked || !bound) return fail(ErrorKind::protocol, "sockets cannot be read");
  out.asked = *asked;
  out.bound = *bound;
  out.descriptors = std::move(descriptors);
  return out;
}

}  // namespace

io::Task<Result<>> HandOver::expect(std::uint8_t kind, io::Wait wait) {
  for (;;) {
    const auto got = co_await channel_.receive(wait);
    if (!got) co_return std::unexpected(got.error());
    if (got->kind == kind) co_return Result<>();
    // The two may cross: it is asked for an end while it still takes tunnels.
    if (got->kind != number_of(Kind::leave) || !gone_)
      co_return fail(ErrorKind::protocol, "an unexpected message");
    const auto leave = read_leave(got->bytes);
    if (!leave) co_return std::unexpected(leave.error());
    leave_ = *leave;
  }
}

io::Task<Result<>> HandOver::send_acknowledged(std::uint8_t kind, std::string bytes,
                                               std::vector<int> descriptors, io::Wait wait) {
  if (auto sent = co_await channel_.send(kind, bytes, descriptors, wait); !sent) co_return sent;
  co_return co_await expect(number_of(Kind::taken), wait);
}

io::Task<std::expected<void, std::string>> HandOver::prepare(std::vector<SharedSocket> sockets,
                                                             io::Wait wait) {
  const auto hello = co_await receive(channel_, Kind::hello, wait);
  if (!hello) co_return failed("the new process did not begin", hello.error());
  BinaryReader in(hello->bytes);
  if (const auto theirs = in.number<std::uint32_t>(); theirs != version)
    co_return std::unexpected(fmt::format(
        "the new program hands over in another way (version {} of it, here it is {}): restart instead",
        theirs, version));
  for (const SharedSocket& socket : sockets) {
    if (auto given = co_await give_sockets(socket, wait); !given) co_return given;
  }
  auto sent = co_await channel_.send(number_of(Kind::knowledge), data_plane_.save_knowledge(), {}, wait);
  if (sent) sent = co_await expect(number_of(Kind::prepared), wait);
  if (!sent) co_return failed("the new process did not get ready", sent.error());
  co_return std::expected<void, std::string>();
}

io::Task<std::expected<void, std::string>> HandOver::give_sockets(const SharedSocket& socket, io::Wait wait) {
  for (std::size_t first = 0; first < socket.descriptors.size();
       first += io::DescriptorChannel::descriptors_max) {
    const std::size_t end =
        std::min(first + io::DescriptorChannel::descriptors_max, socket.descriptors.size());
    const std::vector<int> some(socket.descriptors.begin() + static_cast<std::ptrdiff_t>(first),
                                socket.descriptors.begin() + static_cast<std::ptrdiff_t>(end));
    BinaryWriter out;
    out.text(socket.asked.to_string()).text(socket.bound.to_string()).text(socket.frontend);
    auto sent = co_await send_acknowledged(number_of(Kind::sockets), out.take(), some, wait);
    if (!sent) co_return failed("the new process did not take the listening sockets", sent.error());
  }
  co_return std::expected<void, std::string>();
}

io::Task<std::expected<HandOver::Moved, std::string>> HandOver::move_tunnels(Duration each_answer,
                                                                             io::StopSource& stop) {
  io::Engine& engine = data_plane_.engine();
  const TimePoint began = engine.now();
  const auto frozen = data_plane_.freeze_tunnels();
  if (frozen.empty() && gone_) co_return Moved{};
  Result<> sent;
  for (std::size_t first = 0; sent && first < frozen.size(); first += tunnels_a_message) {
    BinaryWriter out;
    std::vector<int> descriptors;
    for (std::size_t i = first; i < std::min(first + tunnels_a_message, frozen.size()); ++i) {
      frozen[i].state.save(out);
      descriptors.insert(descriptors.end(), frozen[i].descriptors.begin(), frozen[i].descriptors.end());
    }
    sent = co_await send_acknowledged(number_of(Kind::tunnels), out.take(), std::move(descriptors),
                                      engine.in(each_answer, stop));
  }
  if (sent) sent = co_await channel_.send(number_of(Kind::go), {}, {}, engine.in(each_answer, stop));
  if (!sent) {
    data_plane_.thaw_tunnels();
    co_return failed("the new process did not take the tunnels", sent.error());
  }
  gone_ = true;
  co_return Moved{frozen.size(), data_plane_.let_go_of_frozen_tunnels(), engine.now() - began};
}

io::Task<Result<HandOver::Leave>> HandOver::wait_for_leave(io::Wait wait) {
  if (leave_) co_return *std::exchange(leave_, std::nullopt);
  const auto got = co_await receive(channel_, Kind::leave, wait);
  if (!got) co_return std::unexpected(got.error());
  co_return read_leave(got->bytes);
}

Result<HandOver::Leave> HandOver::read_leave(const std::string& bytes) {
  BinaryReader in(bytes);
  Leave out{std::chrono::seconds(in.number<std::uint32_t>()), in.number<std::uint16_t>()};
  if (!in.complete()) return fail(ErrorKind::protocol, "a message that cannot be read");
  return out;
}

io::Task<Result<TakeOver::Inherited>> TakeOver::greet(io::Wait wait) {
  BinaryWriter hello;
  hello.number(version);
  if (auto sent = co_await channel_.send(number_of(Kind::hello), hello.bytes(), {}, wait); !sent)
    co_return std::unexpected(sent.error());
  Inherited out;
  for (;;) {
    auto got = co_await channel_.receive(wait);
    if (!got) co_return std::unexpected(got.error());
    if (got->kind == number_of(Kind::knowledge)) {
      out.knowledge = std::move(got->bytes);
      co_return out;
    }
    if (got->kind != number_of(Kind::sockets)) co_return fail(ErrorKind::protocol, "an unexpected message");
    BinaryReader in(got->bytes);
    auto socket = read_socket(in, got->descriptors);
    if (!socket) co_return std::unexpected(socket.error());
    // One with very many workers comes in several messages.
    const auto begun = std::ranges::find_if(out.sockets, [&](const InheritedSocket& each) {
      return each.asked == socket->asked && each.frontend == socket->frontend && each.bound == socket->bound;
    });
    if (begun == out.sockets.end())
      out.sockets.push_back(std::move(*socket));
    else
      std::ranges::move(socket->descriptors, std::back_inserter(begun->descriptors));
    if (auto sent = co_await channel_.send(number_of(Kind::taken), {}, {}, wait); !sent)
      co_return std::unexpected(sent.error());
  }
}

io::Task<Result<std::size_t>> TakeOver::take_tunnels(io::Wait wait) {
  if (auto sent = co_await channel_.send(number_of(Kind::prepared), {}, {}, wait); !sent)
    co_return std::unexpected(sent.error());
  co_return co_await take_more(wait);
}

io::Task<Result<std::size_t>> TakeOver::take_more(io::Wait wait) {
  std::vector<DataPlane::Arrival> arrivals;
  for (;;) {
    auto got = co_await channel_.receive(wait);
    if (!got) co_return std::unexpected(got.error());
    if (got->kind == number_of(Kind::go)) break;
    if (got->kind != number_of(Kind::tunnels)) co_return fail(ErrorKind::protocol, "an unexpected message");
    BinaryReader in(got->bytes);
    for (std::size_t i = 0; i + 1 < got->descriptors.size(); i += tunnel_sides)
      arrivals.push_back(
          {MovedTunnel::restored(in), std::move(got->descriptors[i]), std::move(got->descriptors[i + 1])});
    if (!in.complete()) co_return fail(ErrorKind::protocol, "tunnels that cannot be read");
    if (auto sent = co_await channel_.send(number_of(Kind::taken), {}, {}, wait); !sent)
      co_return std::unexpected(sent.error());
  }
  const std::size_t count = arrivals.size();
  data_plane_.adopt(std::move(arrivals));
  co_return count;
}

io::Task<Result<>> TakeOver::tell_to_leave(const HandOver::Leave& leave, io::Wait wait) {
  BinaryWriter out;
  out.number(static_cast<std::uint32_t>(leave.over.count())).number(leave.code);
  co_return co_await channel_.send(number_of(Kind::leave), out.bytes(), {}, wait);
}

}  // namespace passerelle::proxy
