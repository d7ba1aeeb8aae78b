#include "arm/answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

#include "arm/json_reader.h"
#include "arm/known_properties.h"
#include "arm/language/values.h"
#include "arm/print.h"
#include "base/digest.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr std::string_view resource_type = "Microsoft.Network/applicationGateways";

// In the form of a GUID, always the same for the same text.
std::string guid_of(std::string_view text) {
  std::string hex;
  for (const char byte : hmac_sha256("guid", text))
    hex += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20, 12));
}

bool knows(const Definition& definition, std::string_view name, Effect effect) {
  return std::ranges::any_of(definition.properties, [&](const KnownProperty& known) {
    return known.name == name && known.effect == effect;
  });
}

class Answer {
 public:
  Answer(const AnswerFacts& facts, std::string etag) : facts_(facts), etag_(std::move(etag)) {}

  JsonValue write(const JsonValue& printed) {
    const JsonValue* given = printed.find("properties");
    JsonValue properties = make_object();
    add_member(properties, "provisioningState", std::string(facts_.provisioning_state));
    add_member(properties, "resourceGuid", guid_of(facts_.resource_id));
    add_member(properties, "operationalState", std::string(facts_.operational_state));
    const Definition& resource = *find_definition("");
    for (const KnownProperty& known : resource.properties) {
      if (known.effect == Effect::read_only) continue;
      const JsonValue* value = given != nullptr ? given->find(known.name) : nullptr;
      const Definition* inside = known.inside.empty() ? nullptr : find_definition(known.inside);
      if (inside != nullptr && inside->is_child_resource)
        add_member(properties, std::string(known.name),
                   children(value, *inside, known.name, facts_.resource_id, resource_type));
      else if (value != nullptr)
        add_member(properties, std::string(known.name), *value);
    }
    add_member(properties, "privateEndpointConnections", make_array());
    refer_back(properties);
    JsonValue out = make_object();
    const JsonValue* name = printed.find("name");
    add_member(out, "name", name != nullptr ? name->text : std::string());
    add_member(out, "id", std::string(facts_.resource_id));
    add_member(out, "etag", etag_);
    add_member(out, "type", std::string(resource_type));
    add_member(out, "location", std::string(facts_.location));
    for (const std::string_view beside : {"location", "tags", "identity", "zones"}) {
      if (const JsonValue* value = printed.find(beside)) set_member(out, std::string(beside), *value);
    }
    add_member(out, "properties", std::move(properties));
    return out;
  }

 private:
  // Elements that have ids of their own; an empty list where there are none.
  JsonValue children(const JsonValue* given, const Definition& definition, std::string_view collection,
                     std::string_view parent_id, std::string_view parent_type) {
    JsonValue out = make_array();
    if (given == nullptr) return out;
    const std::string type = fmt::format("{}/{}", parent_type, collection);
    for (const JsonValue& item : given->items) {
      const JsonValue* name = item.find("name");
      const std::string id =
          fmt::format("{}/{}/{}", parent_id, collection, name != nullptr ? name->text : std::string());
      JsonValue properties = make_object();
      add_member(properties, "provisioningState", std::string("Succeeded"));
      if (const JsonValue* inner = item.find("properties")) {
        for (const JsonMember& member : inner->members)
          if (!member.value.is_string() || member.value.text != secret_mask)
            add_member(properties, member.key, property(member, definition, {id, collection}, type));
      }
      if (collection == "sslCertificates" && name != nullptr) add_public_part(properties, name->text);
      JsonValue element = make_object();
      add_member(element, "name", name != nullptr ? name->text : std::string());
      add_member(element, "id", id);
      add_member(element, "etag", etag_);
      add_member(element, "properties", std::move(properties));
      add_member(element, "type", type);
      out.items.push_back(std::move(element));
    }
    return out;
  }

  void add_public_part(JsonValue& properties, const std::string& certificate) const {
    if (facts_.public_certificates == nullptr) return;
    const auto found = facts_.public_certificates->find(certificate);
    if (found != facts_.public_certificates->end())
      set_member(properties, "publicCertData", make_text(found->second));
  }

  // A child resource that refers to another.
  struct Referrer {
    std::string_view id;
    std::string_view collection;
  };
  JsonValue property(const JsonMember& member, const Definition& of, const Referrer& referrer,
                     std::string_view type) {
    for (const KnownProperty& known : of.properties) {
      if (known.name != member.key || known.inside.empty()) continue;
      if (known.inside == "reference") note_references(member.value, referrer);
      const Definition* inside = find_definition(known.inside);
      if (inside != nullptr && inside->is_child_resource)
        return children(&member.value, *inside, known.name, referrer.id, type);
    }
    return member.value;
  }

  void note_references(const JsonValue& value, const Referrer& referrer) {
    for (const JsonValue& item : value.items) note_references(item, referrer);
    const JsonValue* id = value.find("id");
    if (id == nullptr || !id->text.starts_with(facts_.resource_id)) return;
    auto& ids = back_[lowered(id->text)][std::string(referrer.collection)];
    if (ids.empty() || ids.back() != referrer.id) ids.emplace_back(referrer.id);
  }

  // Where Azure's definition of what is referred to has a place for it.
  void refer_back(JsonValue& properties) {
    for (JsonMember& collection : properties.members) {
      const Definition* definition = find_definition(collection.key);
      if (definition == nullptr || !definition->is_child_resource) continue;
      for (JsonValue& element : collection.value.items) {
        const auto found = back_.find(lowered(element.find("id")->text));
        if (found == back_.end()) continue;
        for (JsonMember& member : element.members) {
          if (member.key == "properties") add_references(member.value, *definition, found->second);
        }
      }
    }
  }
  using References = std::map<std::string, std::vector<std::string>>;
  static void add_references(JsonValue& properties, const Definition& definition,
                             const References& references) {
    for (const auto& [collection, ids] : references) {
      // Azure's name for the settings that refer to a probe or a certificate is the type's, not the
      // collection's.
      const std::string key =
          collection == "backendHttpSettingsCollection" ? "backendHttpSettings" : collection;
      if (!knows(definition, key, Effect::read_only)) continue;
      JsonValue list = make_array();
      for (const std::string& id : ids) {
        JsonValue reference = make_object();
        add_member(reference, "id", id);
        list.items.push_back(std::move(reference));
      }
      add_member(properties, key, std::move(list));
    }
  }

  const AnswerFacts& facts_;
  const std::string etag_;
  std::map<std::string, References> back_;  // by the lower-case id of what is referred to
};

}  // namespace

std::string as_azure_answers(std::string_view printed, const AnswerFacts& facts) {
  ProblemList quiet({});
  const auto answered = read_json(printed, 0, quiet);
  if (!answered) return {};
  // Of what is answered, not of what was sent: a certificate that was left out stays what it was. How far a
  // change has come is none of the content.
  AnswerFacts content = facts;
  content.provisioning_state = "Succeeded";
  const std::string etag = guid_of(to_json(Answer(content, {}).write(*answered)));
  return to_json_lines(Answer(facts, fmt::format("W/\"{}\"", etag)).write(*answered));
}

std::string etag_of(std::string_view answer) {
  ProblemList quiet({});
  const auto root = read_json(answer, 0, quiet);
  const JsonValue* etag = root ? root->find("etag") : nullptr;
  return etag != nullptr ? etag->text : std::string();
}

}  // namespace passerelle::arm
