#include "arm/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <vector>

#include "arm/json_reader.h"
#include "arm/language/values.h"
#include "arm/print.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view gateway_type = "Microsoft.Network/applicationGateways";

// What Azure never shows of a certificate, or shows only of some: a body that leaves it out means what is
// there.
constexpr std::array certificate_collections = {"sslCertificates"sv, "authenticationCertificates"sv,
                                                "trustedRootCertificates"sv, "trustedClientCertificates"sv};

std::expected<JsonValue, std::string> read_object(std::string_view text) {
  ProblemList problems({"body"});
  auto value = read_json(text, 0, problems, {.strict = true});
  if (!value) {
    const Problems found = problems.take();
    if (found.empty()) return std::unexpected(std::string("the body is not JSON"));
    return std::unexpected(fmt::format("the body is not JSON: line {}, column {}: {}",
                                       found.front().where.line, found.front().where.column,
                                       found.front().message));
  }
  if (!value->is_object())
    return std::unexpected(
        fmt::format("the body is to be a JSON object, and it is {}", kind_name(value->kind)));
  return std::move(*value);
}

JsonValue read_own(std::string_view document) {
  ProblemList quiet({});
  return read_json(document, 0, quiet).value_or(JsonValue());
}

JsonValue* find(JsonValue& object, std::string_view key) {
  for (JsonMember& member : object.members) {
    if (equals_ignoring_case(member.key, key)) return &member.value;
  }
  return nullptr;
}

bool says_something(const JsonValue* value) {
  return value != nullptr && value->is_string() && !value->text.empty() && value->text != secret_mask;
}

const JsonValue* named(const JsonValue& collection, std::string_view name) {
  for (const JsonValue& item : collection.items) {
    const JsonValue* own = item.find("name");
    if (own != nullptr && equals_ignoring_case(own->text, name)) return item.find("properties");
  }
  return nullptr;
}

void keep_data(JsonValue& certificate, const JsonValue& collection_before) {
  const JsonValue* name = certificate.find("name");
  if (name == nullptr) return;
  const JsonValue* before = named(collection_before, name->text);
  if (before == nullptr) return;
  JsonValue* properties = find(certificate, "properties");
  if (properties == nullptr || !properties->is_object()) {
    set_member(certificate, "properties", make_object());
    properties = find(certificate, "properties");
  }
  if (says_something(properties->find("data")) || says_something(properties->find("keyVaultSecretId")))
    return;
  for (const std::string_view part : {"data"sv, "password"sv}) {
    if (const JsonValue* value = before->find(part)) set_member(*properties, std::string(part), *value);
  }
}

void keep_certificates(JsonValue& properties, const JsonValue& before) {
  const JsonValue* properties_before = before.find("properties");
  if (properties_before == nullptr) return;
  for (const std::string_view name : certificate_collections) {
    JsonValue* collection = find(properties, name);
    const JsonValue* collection_before = properties_before->find(name);
    if (collection == nullptr || collection_before == nullptr) continue;
    for (JsonValue& certificate : collection->items) keep_data(certificate, *collection_before);
  }
}

// In Azure's words: at most 50, each a text.
std::expected<void, std::string> check_tags(const JsonValue& tags) {
  if (tags.is(JsonValue::Kind::null)) return {};
  if (!tags.is_object())
    return std::unexpected(fmt::format("tags are an object of texts, not {}", kind_name(tags.kind)));
  constexpr std::size_t tags_max = 50;
  if (tags.members.size() > tags_max)
    return std::unexpected(fmt::format("a resource has at most {} tags", tags_max));
  for (const JsonMember& tag : tags.members) {
    if (!tag.value.is_string())
      return std::unexpected(
          fmt::format("the tag '{}' is to be a text, and it is {}", tag.key, kind_name(tag.value.kind)));
  }
  return {};
}

}  // namespace

std::optional<GatewayId> GatewayId::parse(std::string_view id) {
  std::vector<std::string_view> words;
  while (!id.empty()) {
    const auto [word, rest] = split_once(id, '/');
    if (!words.empty() || !word.empty()) words.push_back(word);
    id = rest;
  }
  constexpr std::array fixed = {
      "subscriptions"sv,       ""sv, "resourceGroups"sv, ""sv, "providers"sv, "Microsoft.Network"sv,
      "applicationGateways"sv, ""sv};
  if (words.size() != fixed.size()) return std::nullopt;
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    if (fixed[i].empty() ? words[i].empty() : !equals_ignoring_case(fixed[i], words[i])) return std::nullopt;
  }
  return GatewayId{std::string(words[1]), std::string(words[3]), std::string(words[7])};
}

std::string GatewayId::to_string() const {
  return fmt::format("/subscriptions/{}/resourceGroups/{}/providers/{}/{}", subscription, resource_group,
                     gateway_type, name);
}

bool GatewayId::is(const GatewayId& other) const {
  return equals_ignoring_case(subscription, other.subscription) &&
         equals_ignoring_case(resource_group, other.resource_group) && equals_ignoring_case(name, other.name);
}

std::expected<std::string, std::string> document_of(const PutRequest& request) {
  auto body = read_object(request.body);
  if (!body) return std::unexpected(body.error());
  JsonValue* properties = find(*body, "properties");
  if (properties == nullptr || !properties->is_object())
    return std::unexpected(std::string("the body has no object \"properties\""));
  if (const JsonValue* tags = body->find("tags")) {
    if (auto sound = check_tags(*tags); !sound) return std::unexpected(sound.error());
  }
  if (!request.before.empty()) keep_certificates(*properties, read_own(request.before));
  JsonValue out = make_object();
  add_member(out, "type", std::string(gateway_type));
  add_member(out, "apiVersion", std::string(request.api_version));
  add_member(out, "name", request.id.name);
  add_member(out, "id", request.id.to_string());
  for (const std::string_view beside : {"location"sv, "tags"sv, "identity"sv, "zones"sv}) {
    if (const JsonValue* value = body->find(beside)) add_member(out, std::string(beside), *value);
  }
  add_member(out, "properties", std::move(*properties));
  return to_json_lines(out);
}

std::expected<std::string, std::string> with_tags(std::string_view document, std::string_view body) {
  const auto patch = read_object(body);
  if (!patch) return std::unexpected(patch.error());
  const JsonValue* tags = patch->find("tags");
  if (tags == nullptr) return std::unexpected(std::string("a PATCH changes tags: {\"tags\": {…}}"));
  if (auto sound = check_tags(*tags); !sound) return std::unexpected(sound.error());
  JsonValue out = read_own(document);
  set_member(out, "tags", tags->is_object() ? *tags : make_object());
  return to_json_lines(out);
}

std::string marked(std::string_view document, const GatewayId& id, bool stopped) {
  JsonValue out = read_own(document);
  set_member(out, "id", make_text(id.to_string()));
  if (JsonValue* properties = find(out, "properties")) {
    std::erase_if(properties->members,
                  [](const JsonMember& member) { return member.key == "operationalState"; });
    if (stopped) add_member(*properties, "operationalState", std::string(stopped_state));
  }
  return to_json_lines(out);
}

std::optional<Mark> mark_of(std::string_view document) {
  const JsonValue root = read_own(document);
  const JsonValue* id = root.find("id");
  auto parsed = id != nullptr ? GatewayId::parse(id->text) : std::nullopt;
  if (!parsed) return std::nullopt;
  const JsonValue* location = root.find("location");
  const JsonValue* properties = root.find("properties");
  const JsonValue* state = properties != nullptr ? properties->find("operationalState") : nullptr;
  return Mark{std::move(*parsed), location != nullptr ? location->text : std::string(),
              state != nullptr && equals_ignoring_case(state->text, stopped_state)};
}

}  // namespace passerelle::arm
