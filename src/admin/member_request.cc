#include "admin/member_request.h"

#include <array>
#include <utility>

#include "arm/json_reader.h"

namespace passerelle::admin {

std::expected<MemberRequest, std::string> read_member_request(const std::string& body) {
  arm::ProblemList problems({"body"});
  const auto asked = arm::read_json(body, 0, problems, {.strict = true});
  MemberRequest out;
  const std::array<std::pair<const char*, std::string*>, 3> wanted = {
      {{"pool", &out.pool}, {"backendSettings", &out.settings}, {"member", &out.member}}};
  for (const auto& [name, place] : wanted) {
    const auto* given = asked && asked->is_object() ? asked->find(name) : nullptr;
    if (given == nullptr || given->text.empty())
      return std::unexpected(
          R"(a JSON object was expected: {"pool": "…", "backendSettings": "…", "member": "10.0.0.4:80"}, as /api/v1/health has them)");
    *place = given->text;
  }
  return out;
}

}  // namespace passerelle::admin
