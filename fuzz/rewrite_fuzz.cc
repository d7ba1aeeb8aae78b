// A rewrite set in JSON up to a NUL, then a request head. Whatever the set says, what goes to the member and
// to the client is one strict head, with one Host and the framing it had.
#include "arm/load.h"
#include "fuzz/head.h"
#include "policy/decision/decide.h"
#include "protocol/http1/head_writer.h"

using namespace passerelle;

namespace {

constexpr std::string_view before =
    R"({ "frontendIPConfigurations": [ { "name": "f" } ], "frontendPorts": [ { "name": "p", "properties": { "port": 80 } } ],
  "httpListeners": [ { "name": "l", "properties": { "frontendIPConfiguration": { "id": "/x/frontendIPConfigurations/f" },
    "frontendPort": { "id": "/x/frontendPorts/p" }, "protocol": "Http" } } ],
  "backendAddressPools": [ { "name": "b", "properties": { "backendAddresses": [ { "ipAddress": "10.0.0.4" } ] } } ],
  "backendHttpSettingsCollection": [ { "name": "s", "properties": { "port": 80, "protocol": "Http" } } ],
  "requestRoutingRules": [ { "name": "r", "properties": { "httpListener": { "id": "/x/httpListeners/l" },
    "backendAddressPool": { "id": "/x/backendAddressPools/b" }, "backendHttpSettings": { "id": "/x/backendHttpSettingsCollection/s" },
    "rewriteRuleSet": { "id": "/x/rewriteRuleSets/set" } } } ],
  "rewriteRuleSets": [ { "name": "set", "properties": { "rewriteRules": )";

void check_response(policy::Decision& decision, std::string_view body_of_request) {
  MessageHead response;
  response.set_response(200, "OK");
  response.add("Set-Cookie", "a=b");
  response.add("Location", std::string(body_of_request.substr(0, 100)).c_str());
  if (response.value(response.fields.back()).find_first_of("\r\n") != std::string_view::npos) return;
  if (!policy::finish_response(decision, response)) return;
  std::string text;
  http1::append_response_head(text, response);
  const auto again = fuzz::parse(http1::HeadKind::response, {text});
  fuzz::must(again.status == 431 || again.status == 502 ||
             (again.status == 0 && again.consumed == text.size()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  const auto end = input.find('\0');
  if (end == std::string_view::npos) return 0;
  arm::LoadInput load;
  load.templates.push_back({"fuzz", std::string(before) + std::string(input.substr(0, end)) + " } } ] }"});
  load.environment = [](const std::string&) { return std::nullopt; };
  const arm::Loaded loaded = arm::load(load);
  const auto parsed = fuzz::parse(http1::HeadKind::request, {input.substr(end + 1)});
  if (!loaded.gateway || loaded.gateway->frontends.size() != 1 || parsed.status != 0) return 0;
  const std::vector<std::uint16_t> ports = {80};
  const policy::ClientFacts client{"192.0.2.1", 1234, false};
  policy::Decision decision;
  policy::decide(decision, {*loaded.gateway, 0, parsed.head, Limits{}, client,
                            "0123456789abcdef0123456789abcdef", ports});
  if (decision.action != policy::Decision::Action::forward) return 0;
  (void)policy::address_to(decision, "10.0.0.4");
  std::string text;
  http1::append_request_head(text, decision.request);
  const auto again = fuzz::parse(http1::HeadKind::request, {text});
  if (again.status == 0) {
    fuzz::must(again.consumed == text.size());
    fuzz::must(again.head.count(FieldId::host) == 1);
    fuzz::must(http1::request_target(again.head).has_value());
    const auto framing = http1::request_framing(again.head, Limits{});
    fuzz::must(framing && framing->kind == decision.asked.framing.kind &&
               framing->length == decision.asked.framing.length);
  } else {
    fuzz::must(again.status == 431 || again.status == 414);  // a limit
  }
  check_response(decision, input.substr(end + 1));
  return 0;
}
