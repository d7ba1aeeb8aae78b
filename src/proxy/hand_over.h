// One process goes on with what another carries: the conversation of the two, each side a class here.
//
//   old                                      new
//    │                            hello ◄──  its version of this conversation
//    │ ──► sockets (several)                 what is listened on, with descriptors; each is answered
//    │                            taken ◄──
//    │ ──► knowledge                         verdicts on members, answers of DNS, ticket keys
//    │                         prepared ◄──  its configuration is in force; it accepts nothing yet
//    │     tunnels are held still
//    │ ──► tunnels (several)                 at most 125 a message; each is answered
//    │                            taken ◄──  it has the descriptors, and touches no byte of them
//    │ ──► go                                from here on it accepts and carries; the old lets go
//    │ ──► tunnels…, go                      those that became tunnels in the old meanwhile
//    │                            leave ◄──  what is left there ends, spread over so many seconds
//
// Until `go` the old can have everything back: should the new process end, or say something else, the old
// thaws its tunnels and goes on. Should the old end before `go`, the new one ends too.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "io/descriptor_channel.h"
#include "proxy/data_plane.h"

namespace passerelle::proxy {

// Of the old process. A resource on the control plane's engine. Errors are sentences.
class HandOver {
 public:
  HandOver(DataPlane& data_plane, io::DescriptorChannel& channel)
      : data_plane_(data_plane), channel_(channel) {}

  // Until the new process is prepared. `sockets`: those of the data plane, and others.
  [[nodiscard]] io::Task<std::expected<void, std::string>> prepare(std::vector<SharedSocket> sockets,
                                                                   io::Wait wait);
  // Moves every tunnel that can be moved. After an error they are all still here.
  struct Moved {
    std::size_t tunnels = 0, stay = 0;
    Duration stood_still{};
  };
  [[nodiscard]] io::Task<std::expected<Moved, std::string>> move_tunnels(Duration each_answer,
                                                                         io::StopSource& stop);

  // After the go: until the new process asks for an end, or is gone.
  struct Leave {
    std::chrono::seconds over{};
    std::uint16_t code = 0;  // of the Close
  };
  [[nodiscard]] io::Task<Result<Leave>> wait_for_leave(io::Wait wait);

 private:
  io::Task<Result<>> send_acknowledged(std::uint8_t kind, std::string bytes, std::vector<int> descriptors,
                                       io::Wait wait);
  io::Task<Result<>> expect(std::uint8_t kind, io::Wait wait);
  Result<Leave> read_leave(const std::string& bytes);
  io::Task<std::expected<void, std::string>> give_sockets(const SharedSocket& socket, io::Wait wait);
  DataPlane& data_plane_;
  io::DescriptorChannel& channel_;
  bool gone_ = false;           // the go was said
  std::optional<Leave> leave_;  // asked for while an answer was waited for
};

// Of the new process. A resource on the control plane's engine.
class TakeOver {
 public:
  TakeOver(DataPlane& data_plane, io::DescriptorChannel& channel)
      : data_plane_(data_plane), channel_(channel) {}

  struct Inherited {
    std::vector<InheritedSocket> sockets;
    std::string knowledge;
  };
  [[nodiscard]] io::Task<Result<Inherited>> greet(io::Wait wait);
  // Once the configuration is in force, until the go; with it the data plane has the tunnels.
  [[nodiscard]] io::Task<Result<std::size_t>> take_tunnels(io::Wait wait);
  // The same later, as often as the old process has found more; until it ends.
  [[nodiscard]] io::Task<Result<std::size_t>> take_more(io::Wait wait);
  [[nodiscard]] io::Task<Result<>> tell_to_leave(const HandOver::Leave& leave, io::Wait wait);

 private:
  DataPlane& data_plane_;
  io::DescriptorChannel& channel_;
};

}  // namespace passerelle::proxy
