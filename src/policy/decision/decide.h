// What becomes of a request, in Azure's order: judged, routed, rewritten (and routed again where a rewrite
// says so), then refused, redirected or forwarded. Live traffic and `explain` both ask here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decision/judge.h"
#include "policy/decision/route.h"
#include "policy/rewrite/rewriter.h"

namespace passerelle::policy {

// Views outlive the decision.
struct DecisionInput {
  const model::Gateway& gateway;
  model::Index frontend = 0;
  const MessageHead& request;
  const Limits& limits;
  const ClientFacts& client;
  std::string_view trace_id;                   // 32 hex digits
  std::span<const std::uint16_t> bound_ports;  // by frontend: where redirects between listeners lead
  // By listener: what it demands of a client's certificate (ClientFacts::authentication); empty: do not ask.
  std::span<const std::string> authentications = {};
  std::vector<Considered>* considered = nullptr;
};

// A value of one exchange, kept warm: clear() keeps capacity.
struct Decision {
  enum class Action : std::uint8_t {
    refuse,    // it cannot be taken, and the connection cannot go on: `status`, `why`
    reject,    // nobody takes it (404), not with this certificate (400, 421), or rewrites never end (500)
    redirect,  // `status` and `location`
    forward,   // `request` goes to a member of `group`
  };
  // Routes of one request, each by what the last one's rewrites made of the path.
  static constexpr unsigned reroutes_max = 10;

  Action action = Action::refuse;
  int status = 0;
  std::string why;
  std::string_view note;  // why, for the client too
  Asked asked;            // from `reject` on
  Route route;
  const model::BackendGroup* group = nullptr;
  std::string location;
  MessageHead request;  // for the member; its Host is set by address_to()
  Rewriter rewriter;
  RewriteFacts facts;
  std::string target;  // path and query for the member

  void clear();
};

void decide(Decision& out, const DecisionInput& in);

// Settles the Host for this member and returns it: the settings' hostName, the member's own name, a rewritten
// one, or the client's (behaviour sheet, section 8.1); the member's name too where an HTTP/1.0 client gave
// none.
std::string_view address_to(Decision& decision, std::string_view member_name);
// The SNI for a Host: its name without a port, and never an address (section 4).
[[nodiscard]] std::string_view server_name(std::string_view host);

// Rewrites of the response, and what else the gateway puts into it. False: they came to nothing, `why` says
// why.
[[nodiscard]] bool finish_response(Decision& decision, MessageHead& response);

// `path` for a member: the settings' `path` in place of what the matched pattern has before its '*' (section
// 8.4). `pattern`: null for a basic rule and a path map's default.
void append_member_path(std::string& out, std::string_view override_path, const model::PathPattern* pattern,
                        std::string_view path);

}  // namespace passerelle::policy
