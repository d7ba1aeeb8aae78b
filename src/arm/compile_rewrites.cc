// rewriteRuleSets[]: patterns and values are read here, once, so that traffic only has to follow them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/compile.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using model::RewriteVariable;

constexpr std::string_view invalid = "ApplicationGatewayRewriteRuleInvalid";

std::string unknown_variable(std::string_view text) {
  const auto known = model::server_variable_names();
  const auto name = starts_with_ignoring_case(text, "var_") ? text.substr(4) : text;
  const auto near = nearest_word(name, known);
  if (!near.empty()) return fmt::format("there is no variable '{}'; did you mean 'var_{}'?", text, near);
  return fmt::format(
      "there is no variable '{}'; there are http_req_HEADER, http_resp_HEADER, var_cookie_NAME and the "
      "server "
      "variables, such as var_client_ip",
      text);
}

std::optional<Pattern> read_pattern(const PropertyReader& reader) {
  const auto text = reader.string("pattern");
  if (!text || text->empty()) {
    if (!reader.failed("pattern"))
      reader.error("pattern", std::string(invalid),
                   "the pattern is missing; \".+\" fits everything that is there");
    return std::nullopt;
  }
  auto pattern = Pattern::make(*text, reader.boolean("ignoreCase").value_or(false));
  if (pattern) return std::move(*pattern);
  reader.error("pattern", std::string(invalid),
               fmt::format("the pattern '{}' cannot be used: {}", *text, pattern.error()));
  return std::nullopt;
}

// "var_uri_path_2": the second group of the condition on var_uri_path.
struct Capture {
  std::size_t index = 0;
  std::string error;
};
std::optional<Capture> find_capture(model::RewriteRule& rule, std::string_view text) {
  const auto line = text.rfind('_');
  if (line == std::string_view::npos) return std::nullopt;
  const auto group = parse_decimal<std::size_t>(text.substr(line + 1));
  const auto variable = model::parse_rewrite_variable(text.substr(0, line));
  if (!group || !variable) return std::nullopt;
  for (model::RewriteCondition& condition : rule.conditions) {
    RewriteVariable wanted = *variable;
    // Names of fields ignore case.
    if (equals_ignoring_case(wanted.name, condition.variable.name)) wanted.name = condition.variable.name;
    if (condition.variable != wanted) continue;
    if (*group <= condition.pattern.groups()) {
      condition.groups_used |= 1U << *group;
      return Capture{condition.captures_at + *group, {}};
    }
    return Capture{0, fmt::format("the condition on {} captures up to group {}, so there is no {{{}}}",
                                  text.substr(0, line), condition.pattern.groups(), text)};
  }
  // A field may well end in a number; a server variable does not.
  if (variable->source != RewriteVariable::Source::server) return std::nullopt;
  return Capture{0, fmt::format("{{{}}} is a group of a condition on {}, and the rule has none", text,
                                text.substr(0, line))};
}

bool asks_response(const model::RewriteVariable& variable) {
  return variable.source == RewriteVariable::Source::response_field ||
         (variable.source == RewriteVariable::Source::server &&
          (variable.server == model::ServerVariable::http_status ||
           variable.server == model::ServerVariable::sent_bytes));
}

// "{var_host" and "{ var_host }" are text, though hardly meant to be.
void warn_almost_variable(const PropertyReader& reader, std::string_view property, std::string_view text) {
  const auto inside = trimmed(text.substr(1));
  if (!starts_with_ignoring_case(inside, "http_req_") && !starts_with_ignoring_case(inside, "http_resp_") &&
      !starts_with_ignoring_case(inside, "var_"))
    return;
  constexpr std::size_t shown_max = 30;
  reader.warning(
      property, "NotAVariable",
      fmt::format("'{}' is taken as text; a variable is written {{var_host}}, closed and without blanks",
                  text.substr(0, std::min(text.size(), shown_max))));
}

// A request knows nothing of its response.
void warn_response_in_request(const PropertyReader& reader, std::string_view property,
                              const model::RewriteValue& value) {
  for (const auto& piece : value.pieces) {
    if (piece.variable && asks_response(*piece.variable))
      reader.warning(property, "RewriteWithoutEffect",
                     fmt::format("{{{}}} is always empty in a request, which has no response yet",
                                 to_string(*piece.variable)));
  }
}

// Text with "{variable}" in it; other braces are just that. Nothing: it was wrong, and that was said.
std::optional<model::RewriteValue> read_value(const PropertyReader& reader, std::string_view property,
                                              model::RewriteRule& rule, std::string_view text) {
  model::RewriteValue out;
  std::string literal;
  while (!text.empty()) {
    const auto end = text.find('}');
    const auto name = text.starts_with('{') && end != std::string_view::npos ? text.substr(1, end - 1) : "";
    const bool is_variable = starts_with_ignoring_case(name, "http_req_") ||
                             starts_with_ignoring_case(name, "http_resp_") ||
                             starts_with_ignoring_case(name, "var_");
    if (!is_variable) {
      if (text.starts_with('{')) warn_almost_variable(reader, property, text);
      literal += text.front();
      text.remove_prefix(1);
      continue;
    }
    model::RewriteValue::Piece piece{std::move(literal), {}, {}};
    literal.clear();
    if (const auto capture = find_capture(rule, name)) {
      if (!capture->error.empty()) {
        reader.error(property, std::string(invalid), capture->error);
        return std::nullopt;
      }
      piece.capture = capture->index;
    } else if (auto variable = model::parse_rewrite_variable(name)) {
      piece.variable = std::move(*variable);
    } else {
      reader.error(property, std::string(invalid), unknown_variable(name));
      return std::nullopt;
    }
    out.pieces.push_back(std::move(piece));
    text.remove_prefix(end + 1);
  }
  if (!literal.empty()) out.pieces.push_back({std::move(literal), {}, {}});
  return out;
}

void read_conditions(const Compilation& c, const Item& item, model::RewriteRule& rule) {
  for (const Item& each : inner_items(item, "conditions", c.problems)) {
    const PropertyReader reader(each, c.problems);
    const auto text = reader.string("variable").value_or("");
    const auto variable = model::parse_rewrite_variable(text);
    if (!variable && !reader.failed("variable"))
      reader.error("variable", std::string(invalid), unknown_variable(text));
    auto pattern = read_pattern(reader);
    if (!variable || !pattern) continue;
    model::RewriteCondition condition{
        *variable, std::move(*pattern),     reader.boolean("negate").value_or(false), rule.captures,
        0,         asks_response(*variable)};
    rule.captures += condition.pattern.groups() + 1;
    rule.waits_for_response = rule.waits_for_response || condition.on_response;
    rule.conditions.push_back(std::move(condition));
  }
}

// Fields whose change would break the connection rather than the message.
std::string untouchable(std::string_view name, bool response) {
  using namespace std::string_view_literals;
  static constexpr std::array azure = {"Connection"sv, "Upgrade"sv};
  static constexpr std::array ours = {
      "Content-Length"sv,    "Transfer-Encoding"sv,    "TE"sv,
      "Trailer"sv,           "Keep-Alive"sv,           "Proxy-Connection"sv,
      "Sec-WebSocket-Key"sv, "Sec-WebSocket-Accept"sv, "Sec-WebSocket-Version"sv};
  const auto is = [&](std::string_view known) { return equals_ignoring_case(known, name); };
  if (std::ranges::any_of(azure, is)) return fmt::format("Azure lets nobody rewrite {}", name);
  if (std::ranges::any_of(ours, is))
    return fmt::format("{} says how the message is read; a rewrite of it would break the {}", name,
                       response ? "response" : "request");
  return {};
}

std::vector<model::HeaderRewrite> read_fields(const Compilation& c, const Item& actions,
                                              std::string_view property, model::RewriteRule& rule) {
  const bool response = property == "responseHeaderConfigurations";
  std::vector<model::HeaderRewrite> out;
  for (const Item& each : inner_items(actions, property, c.problems)) {
    const PropertyReader reader(each, c.problems);
    model::HeaderRewrite field;
    field.name = reader.string("headerName").value_or("");
    const auto is_legal = [](char letter) {
      return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
             (letter >= '0' && letter <= '9') || letter == '-';
    };
    std::string wrong;
    if (field.name.empty())
      wrong = "the headerName is missing";
    else if (!std::ranges::all_of(field.name, is_legal))
      wrong = fmt::format("'{}' is no header name: letters, digits and '-' are", field.name);
    else
      wrong = untouchable(field.name, response);
    if (!wrong.empty()) {
      if (!reader.failed("headerName")) reader.error("headerName", std::string(invalid), wrong);
      continue;
    }
    const auto text = reader.string("headerValue").value_or("");
    if (reader.failed("headerValue")) continue;
    const auto is_control = [](char letter) {
      return (static_cast<unsigned char>(letter) < 0x20 && letter != '\t') || letter == 0x7f;
    };
    if (std::ranges::any_of(text, is_control)) {
      reader.error("headerValue", std::string(invalid),
                   "a header's value holds no line break and no other control character");
      continue;
    }
    auto value = read_value(reader, "headerValue", rule, text);
    if (!value) continue;
    field.value = std::move(*value);
    if (!response) warn_response_in_request(reader, "headerValue", field.value);
    if (!response && equals_ignoring_case(field.name, "Host") && text.empty()) {
      reader.error("headerValue", std::string(invalid),
                   "a Host can be rewritten, not removed; give it a value");
      continue;
    }
    if (const auto matcher = reader.inner("headerValueMatcher")) {
      const PropertyReader inner(*matcher, c.problems);
      auto pattern = read_pattern(inner);
      if (!pattern) continue;
      field.matcher = {std::move(*pattern), inner.boolean("negate").value_or(false)};
    }
    out.push_back(std::move(field));
  }
  return out;
}

void read_url(const Compilation& c, const Item& actions, model::RewriteRule& rule) {
  const auto url = PropertyReader(actions, c.problems).inner("urlConfiguration");
  if (!url) return;
  const PropertyReader reader(*url, c.problems);
  if (const auto path = reader.string("modifiedPath"); path && !path->empty())
    rule.path = read_value(reader, "modifiedPath", rule, *path);
  // Null: as it was; empty: none.
  if (const auto query = reader.string("modifiedQueryString"))
    rule.query = read_value(reader, "modifiedQueryString", rule, *query);
  rule.reroute = reader.boolean("reroute").value_or(false);
  if (rule.reroute && !rule.path && !reader.failed("modifiedPath"))
    reader.warning("reroute", "RewriteWithoutEffect",
                   "reroute asks for the path map once more, and no modifiedPath gives it another path");
}

model::RewriteRule read_rule(const Compilation& c, const Item& item) {
  const PropertyReader reader(item, c.problems);
  model::RewriteRule rule;
  rule.name = item.name;
  constexpr std::uint32_t sequence_max = 1'000'000'000;
  rule.sequence = reader.number("ruleSequence", 0, sequence_max).value_or(100);
  read_conditions(c, item, rule);
  const auto actions = reader.inner("actionSet");
  if (actions) {
    rule.request_fields = read_fields(c, *actions, "requestHeaderConfigurations", rule);
    rule.response_fields = read_fields(c, *actions, "responseHeaderConfigurations", rule);
    read_url(c, *actions, rule);
  }
  if (rule.waits_for_response && (!rule.request_fields.empty() || rule.path || rule.query)) {
    reader.warning(
        "actionSet", "RewriteWithoutEffect",
        fmt::format("the rule '{}' has a condition on the response, so what it does to the request "
                    "never happens: the request is gone by then",
                    rule.name));
  }
  return rule;
}

void check_sequences(const Compilation& c, const Item& set, const std::vector<model::RewriteRule>& rules) {
  for (std::size_t i = 1; i < rules.size(); ++i) {
    if (rules[i].sequence != rules[i - 1].sequence) continue;
    c.problems.warning(set.where, "RewriteSequenceTwice",
                       fmt::format("the rules '{}' and '{}' have the same ruleSequence {}: Azure leaves open "
                                   "which comes first, here the one that stands first does",
                                   rules[i - 1].name, rules[i].name, rules[i].sequence),
                       set.path);
  }
}

void note_costly(model::Gateway& gateway, const model::RewriteVariable& variable) {
  if (variable.source != RewriteVariable::Source::server) return;
  gateway.rewrites_ask_round_trip |= variable.server == model::ServerVariable::client_tcp_rtt;
  gateway.rewrites_ask_ciphers |= variable.server == model::ServerVariable::ciphers_supported;
}

void note_costly(model::Gateway& gateway, const model::RewriteRule& rule) {
  const auto note = [&](const model::RewriteValue& value) {
    for (const auto& piece : value.pieces) {
      if (piece.variable) note_costly(gateway, *piece.variable);
    }
  };
  for (const auto& condition : rule.conditions) note_costly(gateway, condition.variable);
  for (const auto& field : rule.request_fields) note(field.value);
  for (const auto& field : rule.response_fields) note(field.value);
  if (rule.path) note(*rule.path);
  if (rule.query) note(*rule.query);
}

}  // namespace

void compile_rewrites(const Compilation& c) {
  const auto& items = c.resource.collection("rewriteRuleSets");
  constexpr std::size_t sets_max = 400;
  if (items.size() > sets_max)
    c.problems.warning(
        items.front().where, "AzureQuota",
        fmt::format("Azure takes at most {} rewrite sets, these are {}", sets_max, items.size()),
        "rewriteRuleSets");
  for (const Item& item : items) {
    model::RewriteSet set{item.name, {}};
    for (const Item& rule : inner_items(item, "rewriteRules", c.problems)) {
      model::RewriteRule read = read_rule(c, rule);
      note_costly(c.gateway, read);
      set.rules.insert(std::ranges::upper_bound(set.rules, read.sequence, {}, &model::RewriteRule::sequence),
                       std::move(read));
    }
    check_sequences(c, item, set.rules);
    c.gateway.rewrite_sets.push_back(std::move(set));
  }
}

}  // namespace passerelle::arm
