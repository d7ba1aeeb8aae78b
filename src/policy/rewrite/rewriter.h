// Carries out rewrite sets: on the request before a member is chosen, on the response before it leaves.
// Source: behaviour sheet, section 7; what Azure leaves open: docs/decisions/0012.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/client_certificate.h"
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
  // Mutual TLS: what the handshake demanded (empty: nothing), and what came of it.
  std::string_view authentication = {};
  const ClientCertificate* certificate = nullptr;  // null: it was not asked for
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
// Each rule sees what the ones before it made; the actions of one rule do not see each other.
class Rewriter {
 public:
  // The longest value a rewrite may make; rules that feed each other could grow without bound. More than the
  // longest field or URL a client may send.
  static constexpr std::size_t value_bytes_max = std::size_t{40} * 1024;

  enum class Outcome : std::uint8_t {
    done,
    reroute,
    too_long,  // a value is
    bad_host,  // what a Host was rewritten to is none
  };

  void clear();
  // `request` is the head for the member.
  Outcome rewrite_request(const model::RewriteSet& set, const RewriteFacts& facts, MessageHead& request);
  // For all sets that ran on the request, in their order. `request` is the head the member got.
  Outcome rewrite_response(const RewriteFacts& facts, const MessageHead& request, MessageHead& response);

  // The request's, before anything is rewritten.
  void set_url(std::string_view path, std::string_view query) {
    path_ = path;
    query_ = query;
  }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& query() const { return query_; }
  [[nodiscard]] bool url_changed() const { return url_changed_; }
  // The rule that came to nothing.
  [[nodiscard]] const model::RewriteRule* culprit() const { return culprit_; }
  // A rule that held has actions for the response, so that nothing may leave before they are done.
  [[nodiscard]] bool touches_response() const;
  // A trailer must not bring back what was set or removed in the head.
  void remove_touched(MessageHead& trailers, bool of_response) const;

 private:
  struct Seen {
    const RewriteFacts& facts;
    const MessageHead& request;
    const MessageHead* response;
  };
  struct Ran {
    const model::RewriteRule* rule;
    std::size_t captures_at;
  };
  // Those conditions of the rule that can be told at this stage.
  bool holds(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at);
  bool condition_holds(const model::RewriteCondition& condition, const Seen& seen, std::size_t captures_at);
  bool try_pattern(const model::RewriteCondition& condition, std::string_view text, std::size_t captures_at);
  void append_variable(std::string& out, const model::RewriteVariable& variable, const Seen& seen) const;
  void append_request_field(std::string& out, std::string_view name, const Seen& seen) const;
  void append_server(std::string& out, model::ServerVariable variable, const Seen& seen) const;
  // False: too long.
  bool evaluate(const model::RewriteValue& value, const Seen& seen, std::size_t captures_at,
                std::string& out) const;
  bool evaluate_fields(const std::vector<model::HeaderRewrite>& fields, const Seen& seen,
                       std::size_t captures_at);
  Outcome act_on_request(const model::RewriteRule& rule, const Seen& seen, std::size_t captures_at,
                         MessageHead& request);
  void change_field(const model::HeaderRewrite& field, std::string_view value, MessageHead& head) const;
  [[nodiscard]] bool is_touched(std::string_view name) const;
  std::size_t reserve_captures(const model::RewriteRule& rule);

  std::vector<Ran> ran_;  // the rules whose conditions on the request held
  std::vector<std::string> captures_;
  std::size_t captures_used_ = 0;
  std::vector<std::string_view> touched_;           // request fields, by the model's names
  std::vector<std::string_view> touched_response_;  // the same of the response
  std::string path_, query_;
  std::vector<std::string> values_;  // of one rule's fields
  std::string new_path_, new_query_;
  std::string scratch_;  // of the last condition
  bool url_changed_ = false;
  const model::RewriteRule* culprit_ = nullptr;
};

}  // namespace passerelle::policy
