// Carries out rewrite sets: on the request before a member is chosen, on the response before it leaves.
// Source: behaviour sheet, section 7; what Azure leaves open: docs/decisions/0012.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "model/rewrite.h"
#include "protocol/http1/request_target.h"
#include "protocol/message_head.h"

namespace passerelle::policy {

// What the gateway knows of a client's connection. Views outlive the exchange.
struct ClientFacts {
  std::string_view ip;  // as text
  std::uint16_t port = 0;
  bool tls = false;
  std::string_view tls_protocol = {};         // "TLSv1.3"
  std::string_view tls_cipher = {};           // "TLS_AES_256_GCM_SHA384"
  std::string_view tls_ciphers_offered = {};  // by the client, divided by ':'
  std::uint32_t round_trip_microseconds = 0;
};

// What a rewrite may ask of the exchange. Views outlive the rewriter's use.
struct RewriteFacts {
  const ClientFacts* client = nullptr;
  const MessageHead* request = nullptr;  // as the client sent it
  const http1::RequestTarget* target = nullptr;
  std::uint16_t listener_port = 0;  // the template's number
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
};

// A value of one exchange, kept warm: it remembers which rules held and what they captured, for the response.
class Rewriter {
 public:
  // The longest value a rewrite may make of variables; rules that feed each other could grow without bound.
  static constexpr std::size_t value_bytes_max = std::size_t{16} * 1024;

  enum class Outcome : std::uint8_t { done, reroute, too_long };

  void clear();
  // `path` and `query` are the request's, without and as they will be sent; `request` is the head for the
  // member. Each rule sees what the ones before it made.
  Outcome rewrite_request(const model::RewriteSet& set, const RewriteFacts& facts, MessageHead& request);
  // For all sets that ran on the request, in their order. `request` is the head the member got.
  Outcome rewrite_response(const RewriteFacts& facts, const MessageHead& request, MessageHead& response);

  void set_url(std::string_view path, std::string_view query) {
    path_ = path;
    query_ = query;
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& query() const { return query_; }
  [[nodiscard]] bool url_changed() const { return url_changed_; }
  [[nodiscard]] bool host_changed() const { return host_changed_; }
  // The rule that made a value too long.
  [[nodiscard]] const model::RewriteRule* culprit() const { return culprit_; }

 private:
  struct Seen {
    const RewriteFacts& facts;
    const MessageHead& request;
    const MessageHead* response;
  };
  struct Ran {
    const model::RewriteRule* rule;
    bool held;
    std::size_t captures_at;
  };
  bool holds(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at);
  bool condition_holds(const model::RewriteCondition& condition, const Seen& seen, std::size_t captures_at);
  bool try_pattern(const model::RewriteCondition& condition, std::string_view text, std::size_t captures_at);
  void append_variable(std::string& out, const model::RewriteVariable& variable, const Seen& seen) const;
  void append_server(std::string& out, model::ServerVariable variable, const Seen& seen) const;
  // False: too long.
  bool evaluate(const model::RewriteValue& value, const Seen& seen, std::size_t captures_at);
  bool rewrite_fields(const std::vector<model::HeaderRewrite>& fields, const model::RewriteRule& rule,
                      const Seen& seen, std::size_t captures_at, MessageHead& head);
  static void change_field(const model::HeaderRewrite& field, std::string_view value, MessageHead& head);
  bool rewrite_url(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at);
  std::size_t reserve_captures(const model::RewriteRule& rule);

  std::vector<Ran> ran_;
  std::vector<std::string> captures_;
  std::size_t captures_used_ = 0;
  std::string path_, query_;
  std::string value_;    // of the last evaluate()
  std::string scratch_;  // of the last variable
  bool url_changed_ = false;
  bool host_changed_ = false;
  const model::RewriteRule* culprit_ = nullptr;
};

}  // namespace passerelle::policy
