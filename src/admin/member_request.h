// POST /api/v1/members/drain and /resume.
#pragma once

#include <expected>
#include <string>

namespace passerelle::admin {

// A value. `member` is its address, or what the template calls it: a name may have several addresses.
struct MemberRequest {
  std::string pool, settings, member;
};

// {"pool": "…", "backendSettings": "…", "member": "10.0.0.4:80"}. The error is a sentence.
[[nodiscard]] std::expected<MemberRequest, std::string> read_member_request(const std::string& body);

}  // namespace passerelle::admin
