// What the gateway would do with a request, and why: the functions live traffic goes through, and words for
// people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/gateway.h"
#include "model/health.h"

namespace passerelle::policy {

// A value.
struct Question {
  bool tls = false;
  bool websocket = false;
  std::string authority, host, target;
  std::uint16_t port = 0;
  std::string method = "GET";
  std::vector<std::string> headers = {};  // "Name: value", in place of what a client sends by itself
  std::string from = "127.0.0.1";         // the client's address

  // http://, https://, ws:// or wss://; nothing where it is none of these.
  [[nodiscard]] static std::optional<Question> of_url(std::string_view url);
};

// Everything that is said, empty where there is nothing to say.
struct Explanation {
  struct Header {
    std::string name, value;
  };
  struct Member {
    std::string address;
    std::uint16_t port = 0;  // 0: a UNIX socket
    model::Health health = model::Health::unknown;
  };
  struct Passed {
    std::string listener, rule, path_rule, reason;
  };
  std::string listener, rule, path_rule, pool, settings, location;
  std::optional<model::Index> group;
  std::string action = "reject";  // forward, redirect
  int status = 0;
  std::string why;  // of a reject
  std::vector<Member> members;
  std::string method, host, path;
  std::vector<Header> headers;
  std::vector<Passed> considered;
};

[[nodiscard]] Explanation explain(const model::Gateway& gateway, const Question& question);
// The form that scripts read.
// `with_why`: and what a person would be told of a refusal.
[[nodiscard]] std::string to_json(const Explanation& explanation, bool with_why = false);

}  // namespace passerelle::policy
