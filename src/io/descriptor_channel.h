// Messages with descriptors (SCM_RIGHTS, unix(7)) between two processes of ours, over a UNIX stream socket.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "io/descriptor.h"
#include "io/socket_engine.h"
#include "io/task.h"

namespace passerelle::io {

// A value.
struct ChannelMessage {
  std::uint8_t kind = 0;
  std::string bytes;
  std::vector<Descriptor> descriptors;
};

// A resource on its engine's thread. One send and one receive at a time. An error is final: of the other
// process nothing is known any more. `closed`: it is gone, or has let go of its end.
class DescriptorChannel final : private EventTarget {
 public:
  // The kernel takes 253 a message (SCM_MAX_FD); and what is under way counts against the sender's limit of
  // open files, so whoever sends many waits for an acknowledgement now and then.
  static constexpr std::size_t descriptors_max = 250;
  static constexpr std::size_t message_bytes_max = 128 * mebibyte;

  DescriptorChannel(SocketEngine& engine, Descriptor socket);
  ~DescriptorChannel();
  DescriptorChannel(const DescriptorChannel&) = delete;
  DescriptorChannel& operator=(const DescriptorChannel&) = delete;
  // Two connected sockets: one for here, and one for a child, which is not closed on exec.
  [[nodiscard]] static Result<std::pair<Descriptor, Descriptor>> make_pair();

  // The descriptors stay the sender's. Bytes and descriptors live until it has ended.
  [[nodiscard]] Task<Result<>> send(std::uint8_t kind, BytesView bytes, std::span<const int> descriptors,
                                    Wait wait);
  [[nodiscard]] Task<Result<ChannelMessage>> receive(Wait wait);

 private:
  struct Header {
    std::uint32_t bytes = 0;
    std::uint16_t descriptors = 0;
    std::uint8_t kind = 0;
  };
  void on_events(std::uint32_t events) override;
  // Until the socket is ready for it again; `waiter` is how on_events() ends the wait.
  Task<Result<>> ready(StopSource*& waiter, Wait wait);
  // True: some came. False: nothing is there yet.
  Result<bool> read_some();
  [[nodiscard]] bool message_is_complete() const;

  SocketEngine& engine_;
  Descriptor socket_;
  StopSource* reader_ = nullptr;
  StopSource* writer_ = nullptr;
  std::string incoming_;
  std::deque<Descriptor> incoming_descriptors_;
};

}  // namespace passerelle::io
