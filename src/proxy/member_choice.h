// Which member gets a request, and which the next try: affinity first, then balancing among those that may be
// used.
#pragma once

#include <array>
#include <memory>

#include "board/member.h"
#include "model/gateway.h"
#include "policy/rewrite/rewriter.h"

namespace passerelle::proxy {

struct ChosenMember {
  std::shared_ptr<board::Member> member;
  board::Seat seat;           // of a WebSocket
  std::string_view affinity;  // the value its cookie would have; into the group
};

// A value of one exchange, which holds the snapshot both groups are of.
class MemberChoice {
 public:
  static constexpr std::size_t tries_max = 4;

  MemberChoice(const model::BackendGroup& configured, const board::Group& group, const MessageHead& request,
               const policy::ClientFacts& client, bool fewest_tunnels, TimePoint now);

  // No member: none is left to try.
  [[nodiscard]] ChosenMember next(bool websocket, std::size_t at_most);

  // Before any other, where it may be used: who has a connection of his own goes on with it.
  void prefer(const board::Member& member) { preferred_ = &member; }
  // It could not be reached, or did not answer in time: it is not asked again.
  void note_failed(const board::Member& member);
  [[nodiscard]] std::size_t failed() const { return failed_count_; }
  // They may be asked again.
  void forgive() { failed_count_ = 0; }
  // What the client's affinity cookie says; empty: nothing.
  [[nodiscard]] std::string_view asked() const { return asked_; }

 private:
  [[nodiscard]] ChosenMember find(bool websocket);
  [[nodiscard]] bool is_up(std::size_t i) const;
  // Of those that are not drained by hand: minServers of them.
  [[nodiscard]] bool is_among_first(std::size_t i) const;
  [[nodiscard]] bool has_failed(const board::Member& member) const;
  // Affinity overrides a drain by hand, until it is over.
  [[nodiscard]] bool usable(std::size_t i, bool too_few) const;
  // By balancing: who is led to a member by affinity goes there, however cold it is.
  [[nodiscard]] bool may_have(std::size_t i, bool too_few) const;
  [[nodiscard]] std::optional<std::size_t> balance(bool too_few) const;
  [[nodiscard]] ChosenMember own_but_leaving(bool websocket) const;
  [[nodiscard]] ChosenMember chosen(std::size_t i, bool websocket, bool seat_taken) const;

  const model::BackendGroup& configured_;
  const board::Group& group_;
  const policy::ClientFacts& client_;
  std::string_view asked_;
  const board::Member* preferred_ = nullptr;
  bool fewest_tunnels_;
  const TimePoint now_;
  bool slowly_ = false;  // members that have just come back are spared
  std::array<const board::Member*, tries_max> failed_{};
  std::size_t failed_count_ = 0;
};

}  // namespace passerelle::proxy
