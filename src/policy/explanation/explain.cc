#include "policy/explanation/explain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/json_writer.h"
#include "base/text.h"
#include "policy/decision/decide.h"
#include "protocol/http1/head_parser.h"
#include "protocol/url.h"

namespace passerelle::policy {
namespace {

constexpr std::string_view trace_id = "00000000000000000000000000000000";
constexpr std::uint16_t client_port =
    50000;  // a client has some port; this one is fixed, so that output is too

bool parse_head(std::string_view text, MessageHead& head, ParseError& error) {
  http1::HeadParser parser(http1::HeadKind::request);
  const auto progress = parser.feed({text.data(), text.size()}, Limits{}, head);
  if (!progress) error = progress.error();
  return progress && progress->complete;
}

// One explanation, for the time of it.
class Explainer {
 public:
  Explainer(const model::Gateway& gateway, const Question& question)
      : gateway_(gateway), question_(question) {}

  Explanation explain() {
    const std::string text = request_text();
    ParseError error;
    const auto frontend = find_frontend();
    if (!frontend) return std::move(out_);
    if (!parse_head(text, head_, error)) return reject(error.status == 0 ? 400 : error.status, error.what);
    std::vector<Considered> considered;
    // What a client of today would have agreed on.
    const bool tls = gateway_.frontends[*frontend].tls;
    const ClientFacts client{question_.from, client_port, tls, tls ? "TLSv1.3" : "",
                             tls ? "TLS_AES_256_GCM_SHA384" : ""};
    const auto ports = bound_ports();
    decide(decision_, {gateway_, *frontend, head_, Limits{}, client, trace_id, ports, {}, &considered});
    using Action = Decision::Action;
    const Route& route = decision_.route;
    for (const auto& each : considered)
      note(each.listener, each.rule, each.path_rule != nullptr ? path_rule_name(*each.path_rule) : "",
           each.reason);
    if (route.listener != nullptr) out_.listener = route.listener->name;
    if (route.rule != nullptr) out_.rule = route.rule->name;
    if (route.path_rule != nullptr) out_.path_rule = path_rule_name(*route.path_rule);
    if (decision_.action == Action::forward) return forward(*decision_.group);
    if (decision_.action != Action::redirect) return reject(decision_.status, decision_.why);
    out_.location = decision_.location;
    out_.action = "redirect";
    out_.status = decision_.status;
    return std::move(out_);
  }

 private:
  static std::string path_rule_name(const model::PathRule& rule) {
    return !rule.name.empty() ? rule.name : rule.paths.empty() ? "" : rule.paths.front().text;
  }
  void note(const model::Listener* listener, const model::Rule* rule, std::string path_rule,
            std::string reason) {
    out_.considered.push_back({listener != nullptr ? listener->name : "", rule != nullptr ? rule->name : "",
                               std::move(path_rule), std::move(reason)});
  }
  Explanation reject(int status, std::string why) {
    out_.status = status;
    out_.why = std::move(why);
    return std::move(out_);
  }

  // The head a client would send: -H replaces what is there by itself.
  std::string request_text() {
    std::vector<Explanation::Header> headers = {{"Host", question_.authority}};
    if (question_.websocket) {
      headers.insert(headers.end(), {{"Upgrade", "websocket"},
                                     {"Connection", "Upgrade"},
                                     {"Sec-WebSocket-Version", "13"},
                                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
    }
    for (const std::string& given : question_.headers) {
      const auto [name, value] = split_once(given, ':');
      std::erase_if(headers, [&](const Explanation::Header& header) {
        return equals_ignoring_case(header.name, name);
      });
    }
    std::string out = fmt::format("{} {} HTTP/1.1\r\n", question_.method, question_.target);
    for (const Explanation::Header& header : headers)
      out += fmt::format("{}: {}\r\n", header.name, header.value);
    for (const std::string& given : question_.headers) {
      const auto [name, value] = split_once(given, ':');
      out += fmt::format("{}: {}\r\n", name, trimmed(value));
    }
    return out + "\r\n";
  }

  // Who listens on the URL's port; everybody else is said to be elsewhere.
  std::optional<model::Index> find_frontend() {
    std::optional<model::Index> found;
    for (model::Index i = 0; i < gateway_.frontends.size(); ++i) {
      const model::Frontend& frontend = gateway_.frontends[i];
      const bool fits = frontend.port == question_.port && frontend.tls == question_.tls;
      if (fits && !found) {
        found = i;
        continue;
      }
      for (const model::Index index : frontend.listeners) {
        const model::Listener& listener = gateway_.listeners[index];
        note(&listener, listener.rule ? &gateway_.rules[*listener.rule] : nullptr, "",
             fits ? fmt::format("it is on another frontend, {}", frontend.name)
                  : fmt::format("it listens on {} port {}", frontend.tls ? "https" : "http", frontend.port));
      }
    }
    if (!found)
      out_.why = fmt::format("nobody listens on {} port {}{}", question_.tls ? "https" : "http",
                             question_.port, hint());
    return found;
  }

  // The port that is bound here is not the template's, which routing goes by.
  [[nodiscard]] std::string hint() const {
    for (const model::Frontend& frontend : gateway_.frontends) {
      if (frontend.tls == question_.tls && !frontend.binds.empty() &&
          frontend.binds.front().port == question_.port)
        return fmt::format("; that is where the template's port {} is bound: ask for {}://{}:{}{}",
                           frontend.port, frontend.tls ? "https" : "http", question_.host, frontend.port,
                           question_.target);
    }
    return {};
  }

  // Where redirects between listeners lead; a port that is bound to any free one is not known yet.
  [[nodiscard]] std::vector<std::uint16_t> bound_ports() const {
    std::vector<std::uint16_t> out;
    for (const model::Frontend& frontend : gateway_.frontends) {
      const std::uint16_t bound = frontend.binds.empty() ? std::uint16_t{0} : frontend.binds.front().port;
      out.push_back(bound != 0 ? bound : frontend.port);
    }
    return out;
  }

  Explanation forward(const model::BackendGroup& group) {
    out_.group = static_cast<model::Index>(&group - gateway_.groups.data());
    out_.pool = group.pool;
    out_.settings = group.settings_name;
    for (const model::Target& target : group.targets) {
      const bool known = target.address.has_value();
      const bool unix_socket = known && target.address->is_unix();
      out_.members.push_back({unix_socket ? "unix:" + target.address->unix_path
                              : known     ? target.address->ip.to_string()
                                          : target.host,
                              unix_socket ? std::uint16_t{0}
                              : known     ? target.address->port
                                          : target.port});
    }
    if (group.targets.empty()) return reject(502, "the pool has no member");
    out_.action = "forward";
    out_.host = address_to(decision_, group.targets.front().name);
    const MessageHead& sent = decision_.request;
    out_.method = sent.method();
    out_.path = sent.target();
    for (const auto& field : sent.fields)
      out_.headers.push_back({std::string(sent.name(field)), std::string(sent.value(field))});
    return std::move(out_);
  }

  const model::Gateway& gateway_;
  const Question& question_;
  MessageHead head_;
  Decision decision_;
  Explanation out_;
};

void write_or_null(JsonWriter& json, std::string_view key, std::string_view value) {
  json.key(key);
  if (value.empty())
    json.null();
  else
    json.string(value);
}

void write_request(JsonWriter& json, const Explanation& e) {
  json.key("request");
  if (e.action != "forward") {
    json.null();
    return;
  }
  json.begin_object();
  json.key("method");
  json.string(e.method);
  json.key("host");
  json.string(e.host);
  json.key("path");
  json.string(e.path);
  json.key("headers");
  json.begin_object();
  std::map<std::string, std::string> merged;  // fields of one name are one list (RFC 9110 section 5.2)
  std::vector<std::string> order;
  for (const Explanation::Header& header : e.headers) {
    const auto [entry, fresh] = merged.try_emplace(header.name, header.value);
    if (fresh)
      order.push_back(header.name);
    else
      entry->second += ", " + header.value;
  }
  for (const std::string& name : order) {
    json.key(name);
    json.string(merged[name]);
  }
  json.end_object();
  json.end_object();
}

}  // namespace

std::optional<Question> Question::of_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return std::nullopt;
  Question out;
  out.tls = url->scheme == "https" || url->scheme == "wss";
  out.websocket = url->scheme == "ws" || url->scheme == "wss";
  out.authority = url->authority;
  out.host = url->host;
  out.target = url->target;
  if (!out.websocket && !out.tls && url->scheme != "http") return std::nullopt;
  const std::uint16_t usual = out.tls ? 443 : 80;
  out.port = url->port.value_or(usual);
  if (out.port == usual) out.authority = out.host;  // as browsers and curl send it
  return out;
}

Explanation explain(const model::Gateway& gateway, const Question& question) {
  return Explainer(gateway, question).explain();
}

std::string to_json(const Explanation& e, bool with_why) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_or_null(json, "listener", e.listener);
  write_or_null(json, "rule", e.rule);
  write_or_null(json, "pathRule", e.path_rule);
  write_or_null(json, "action", e.action);
  json.key("status");
  if (e.status == 0)
    json.null();
  else
    json.number(e.status);
  write_or_null(json, "pool", e.pool);
  write_or_null(json, "backendSettings", e.settings);
  json.key("members");
  json.begin_array();
  for (const Explanation::Member& member : e.members) {
    json.begin_object();
    write_or_null(json, "address", member.address);
    json.key("port");
    if (member.port == 0)
      json.null();
    else
      json.number(member.port);
    json.key("health");
    json.string(to_string(member.health));
    json.end_object();
  }
  json.end_array();
  write_request(json, e);
  write_or_null(json, "location", e.location);
  if (with_why) write_or_null(json, "why", e.why);
  json.key("considered");
  json.begin_array();
  for (const auto& passed : e.considered) {
    json.begin_object();
    write_or_null(json, "listener", passed.listener);
    write_or_null(json, "rule", passed.rule);
    if (!passed.path_rule.empty()) write_or_null(json, "pathRule", passed.path_rule);
    write_or_null(json, "reason", passed.reason);
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out;
}

}  // namespace passerelle::policy
