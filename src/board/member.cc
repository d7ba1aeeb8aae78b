#include "board/member.h"

#include <fmt/format.h>

namespace passerelle::board {

std::shared_ptr<Member> Members::get(const std::string& name, const Endpoint& endpoint, bool tls,
                                     const std::string& settings) {
  std::erase_if(members_, [](const auto& entry) { return entry.second.expired(); });
  auto& place = members_[fmt::format("{}|{}|{}|{}", name, endpoint.to_string(), tls, settings)];
  auto member = place.lock();
  if (!member) {
    member = std::make_shared<Member>(name, endpoint, tls, settings);
    place = member;
  }
  return member;
}

}  // namespace passerelle::board
