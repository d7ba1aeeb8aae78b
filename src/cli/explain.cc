// What the gateway would do with a request: the functions live traffic goes through, and words for people.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/json_writer.h"
#include "base/text.h"
#include "cli/verbs.h"
#include "policy/decision/decide.h"
#include "protocol/http1/head_parser.h"
#include "protocol/url.h"

namespace passerelle::cli {
namespace {

constexpr std::string_view trace_id = "00000000000000000000000000000000";
constexpr std::uint16_t client_port =
    50000;  // a client has some port; this one is fixed, so that output is too

// What is asked for.
struct Asked {
  bool tls = false;
  bool websocket = false;
  std::string authority, host, target;
  std::uint16_t port = 0;
};

std::optional<Asked> parse_asked(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return std::nullopt;
  Asked out{url->scheme == "https" || url->scheme == "wss",
            url->scheme == "ws" || url->scheme == "wss",
            url->authority,
            url->host,
            url->target,
            0};
  if (!out.websocket && !out.tls && url->scheme != "http") return std::nullopt;
  const std::uint16_t usual = out.tls ? 443 : 80;
  out.port = url->port.value_or(usual);
  if (out.port == usual) out.authority = out.host;  // as browsers and curl send it
  return out;
}

struct Header {
  std::string name, value;
};

// Everything that is said, empty where there is nothing to say.
struct Explanation {
  std::string listener, rule, path_rule, pool, settings, location;
  std::string action = "reject";
  int status = 0;
  std::string why;  // of a reject
  std::vector<std::pair<std::string, std::uint16_t>> members;
  std::string method, host, path;
  std::vector<Header> headers;
  struct Passed {
    std::string listener, rule, path_rule, reason;
  };
  std::vector<Passed> considered;
};

bool parse_head(std::string_view text, MessageHead& head, ParseError& error) {
  http1::HeadParser parser(http1::HeadKind::request);
  const auto progress = parser.feed({text.data(), text.size()}, Limits{}, head);
  if (!progress) error = progress.error();
  return progress && progress->complete;
}

// One explanation, for the time of it.
class Explainer {
 public:
  Explainer(const model::Gateway& gateway, const Options& options, Asked url)
      : gateway_(gateway), options_(options), url_(std::move(url)) {}

  Explanation explain() {
    const std::string text = request_text();
    ParseError error;
    const auto frontend = find_frontend();
    if (!frontend) return std::move(out_);
    if (!parse_head(text, head_, error)) return reject(error.status == 0 ? 400 : error.status, error.what);
    std::vector<policy::Considered> considered;
    // What a client of today would have agreed on.
    const bool tls = gateway_.frontends[*frontend].tls;
    const policy::ClientFacts client{options_.from, client_port, tls, tls ? "TLSv1.3" : "",
                                     tls ? "TLS_AES_256_GCM_SHA384" : ""};
    const auto ports = bound_ports();
    policy::decide(decision_,
                   {gateway_, *frontend, head_, Limits{}, client, trace_id, ports, {}, &considered});
    using Action = policy::Decision::Action;
    const policy::Route& route = decision_.route;
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
    std::vector<Header> headers = {{"Host", url_.authority}};
    if (url_.websocket) {
      headers.insert(headers.end(), {{"Upgrade", "websocket"},
                                     {"Connection", "Upgrade"},
                                     {"Sec-WebSocket-Version", "13"},
                                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
    }
    for (const std::string& given : options_.headers) {
      const auto [name, value] = split_once(given, ':');
      std::erase_if(headers, [&](const Header& header) { return equals_ignoring_case(header.name, name); });
    }
    std::string out = fmt::format("{} {} HTTP/1.1\r\n", options_.method, url_.target);
    for (const Header& header : headers) out += fmt::format("{}: {}\r\n", header.name, header.value);
    for (const std::string& given : options_.headers) {
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
      const bool fits = frontend.port == url_.port && frontend.tls == url_.tls;
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
      out_.why =
          fmt::format("nobody listens on {} port {}{}", url_.tls ? "https" : "http", url_.port, hint());
    return found;
  }

  // The port that is bound here is not the template's, which routing goes by.
  [[nodiscard]] std::string hint() const {
    for (const model::Frontend& frontend : gateway_.frontends) {
      if (frontend.tls == url_.tls && !frontend.binds.empty() && frontend.binds.front().port == url_.port)
        return fmt::format("; that is where the template's port {} is bound: ask for {}://{}:{}{}",
                           frontend.port, frontend.tls ? "https" : "http", url_.host, frontend.port,
                           url_.target);
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
    out_.pool = group.pool;
    out_.settings = group.settings_name;
    for (const model::Target& target : group.targets) {
      const bool known = target.address.has_value();
      const bool unix_socket = known && target.address->is_unix();
      out_.members.emplace_back(unix_socket ? "unix:" + target.address->unix_path
                                : known     ? target.address->ip.to_string()
                                            : target.host,
                                unix_socket ? std::uint16_t{0}
                                : known     ? target.address->port
                                            : target.port);
    }
    if (group.targets.empty()) return reject(502, "the pool has no member");
    out_.action = "forward";
    out_.host = policy::address_to(decision_, group.targets.front().name);
    const MessageHead& sent = decision_.request;
    out_.method = sent.method();
    out_.path = sent.target();
    for (const auto& field : sent.fields)
      out_.headers.push_back({std::string(sent.name(field)), std::string(sent.value(field))});
    return std::move(out_);
  }

  const model::Gateway& gateway_;
  const Options& options_;
  Asked url_;
  MessageHead head_;
  policy::Decision decision_;
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
  for (const Header& header : e.headers) {
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

std::string to_json(const Explanation& e) {
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
  for (const auto& [address, port] : e.members) {
    json.begin_object();
    write_or_null(json, "address", address);
    json.key("port");
    if (port == 0)
      json.null();
    else
      json.number(port);
    json.key("health");
    json.string("Unknown");  // nobody probes here
    json.end_object();
  }
  json.end_array();
  write_request(json, e);
  write_or_null(json, "location", e.location);
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

void print_text(const Explanation& e) {
  if (!e.listener.empty()) fmt::print("listener   {}\n", e.listener);
  if (!e.rule.empty()) fmt::print("rule       {}\n", e.rule);
  if (!e.path_rule.empty()) fmt::print("path rule  {}\n", e.path_rule);
  if (e.action == "reject" && e.status == 0) {
    fmt::print("no answer  {}\n", e.why);
  } else if (e.action == "reject") {
    fmt::print("answer     {}: {}\n", e.status, e.why);
  } else if (e.action == "redirect") {
    fmt::print("answer     {} to {}\n", e.status, e.location);
  } else {
    fmt::print("pool       {} with {}\n", e.pool, e.settings);
    for (const auto& [address, port] : e.members)
      fmt::print("  member   {}\n", port == 0 ? address : fmt::format("{}:{}", address, port));
    fmt::print("the member gets\n  {} {} HTTP/1.1\n", e.method, e.path);
    for (const Header& header : e.headers) fmt::print("  {}: {}\n", header.name, header.value);
  }
  if (!e.considered.empty()) fmt::print("passed over\n");
  for (const auto& passed : e.considered) {
    fmt::print("  {}{}: {}\n", passed.path_rule.empty() ? "listener " : "path rule ",
               passed.path_rule.empty() ? passed.listener : passed.path_rule, passed.reason);
  }
}

// KEY=VALUE: a key of the JSON form, or "header.NAME". The exit code.
int check_expectations(const Explanation& e, const std::vector<std::string>& expectations) {
  const std::map<std::string, std::string, std::less<>> facts = {
      {"listener", e.listener},
      {"rule", e.rule},
      {"pathRule", e.path_rule},
      {"action", e.action},
      {"status", e.status == 0 ? "" : std::to_string(e.status)},
      {"pool", e.pool},
      {"backendSettings", e.settings},
      {"location", e.location},
      {"method", e.method},
      {"host", e.host},
      {"path", e.path}};
  int code = exit_done;
  for (const std::string& expectation : expectations) {
    const auto [key, wanted] = split_once(expectation, '=');
    std::string found;
    if (starts_with_ignoring_case(key, "header.")) {
      for (const Header& header : e.headers) {
        if (equals_ignoring_case(header.name, key.substr(7))) found = header.value;
      }
    } else if (const auto fact = facts.find(key); fact != facts.end()) {
      found = fact->second;
    } else {
      fmt::print(stderr,
                 "passerelle: --expect knows listener, rule, pathRule, action, status, pool, "
                 "backendSettings, location, method, "
                 "host, path and header.NAME, not '{}'\n",
                 key);
      return exit_usage;
    }
    if (found == wanted) continue;
    fmt::print(stderr, "passerelle: expected {} {}, found {}\n", key, wanted, found.empty() ? "none" : found);
    code = exit_configuration;
  }
  return code;
}

}  // namespace

int explain(const Options& options) {
  const auto url = parse_asked(options.url);
  if (!url) {
    fmt::print(stderr, "passerelle: '{}' is no URL; write http://host/path, https://, ws:// or wss://\n",
               options.url);
    return exit_usage;
  }
  control::FileSource source(options.files);
  const arm::Loaded loaded = source.load();
  if (!loaded.gateway) {
    for (const Problem& problem : loaded.problems) fmt::print(stderr, "{}\n", problem.to_string());
    return exit_configuration;
  }
  const Explanation explanation = Explainer(*loaded.gateway, options, *url).explain();
  if (options.format == "json")
    fmt::print("{}\n", to_json(explanation));
  else
    print_text(explanation);
  return check_expectations(explanation, options.expectations);
}

}  // namespace passerelle::cli
