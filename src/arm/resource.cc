#include "arm/resource.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/document.h"
#include "arm/known_properties.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::string_view_literals;

constexpr auto gateway_type = "Microsoft.Network/applicationGateways"sv;

// The resource's lists of child resources that are read here.
bool is_collection(std::string_view key) {
  const Definition* resource = find_definition("");
  const auto found = std::ranges::find_if(
      resource->properties, [&](const KnownProperty& p) { return equals_ignoring_case(p.name, key); });
  if (found == resource->properties.end() || found->inside != found->name) return false;
  const Definition* elements = find_definition(found->inside);
  return elements != nullptr && elements->is_child_resource;
}

const Definition* definition_of_key(std::string_view key) {
  const auto all = definitions();
  const auto found =
      std::ranges::find_if(all, [&](const Definition& d) { return equals_ignoring_case(d.name, key); });
  return found == all.end() ? nullptr : &*found;
}

Effect effect_of(std::string_view name) {
  const auto properties = find_definition("")->properties;
  const auto found = std::ranges::find(properties, name, &KnownProperty::name);
  return found == properties.end() ? Effect::refused : found->effect;
}

bool holds_collections(const JsonValue& value) {
  return std::ranges::any_of(value.members,
                             [](const JsonMember& member) { return is_collection(member.key); });
}

std::string name_of(const JsonValue& resource, Evaluator& evaluator, std::string fallback) {
  const JsonValue* raw = resource.find("name");
  const JsonValue* name = raw != nullptr ? evaluator.resolve(*raw) : nullptr;
  return name != nullptr && name->is_string() ? name->text : std::move(fallback);
}

GatewayBody body_of(const JsonValue& resource, Evaluator& evaluator, std::string path) {
  const JsonValue* raw = resource.find("properties");
  const JsonValue* properties = raw != nullptr ? evaluator.resolve(*raw) : &resource;
  if (raw != nullptr) path += path.empty() ? "properties" : ".properties";
  const JsonValue* raw_version = resource.find("apiVersion");
  const JsonValue* version = raw_version != nullptr ? evaluator.try_resolve_all(*raw_version) : nullptr;
  return {name_of(resource, evaluator, std::string(unnamed_gateway)), properties, &evaluator, std::move(path),
          version != nullptr ? version->text : std::string(),         &resource};
}

// Whether anything in there is of the gateway's type: nested templates that hold none need no evaluation.
bool has_gateway(const JsonValue& value) {
  const JsonValue* type = value.find("type");
  if (type != nullptr && equals_ignoring_case(type->text, gateway_type)) return true;
  return std::ranges::any_of(value.items, has_gateway) ||
         std::ranges::any_of(value.members,
                             [](const JsonMember& member) { return has_gateway(member.value); });
}

// `unmade`: conditions that left a gateway out.
void find_in_resources(Deployment& deployment, Evaluator& evaluator, std::vector<GatewayBody>& out,
                       std::vector<const JsonValue*>& unmade) {
  for (const TemplateResource& resource : evaluator.resources(deployment)) {
    const bool gateway = equals_ignoring_case(resource.type, gateway_type);
    if (!gateway && (!equals_ignoring_case(resource.type, "Microsoft.Resources/deployments") ||
                     !has_gateway(*resource.raw)))
      continue;
    const auto instances = evaluator.instances(resource);
    if (const JsonValue* condition = resource.raw->find("condition");
        instances.empty() && condition != nullptr)
      unmade.push_back(condition);
    for (const TemplateResource& instance : instances) {
      const JsonValue* existing = instance.raw->find("existing");
      if (existing != nullptr && existing->boolean) continue;
      if (gateway)
        out.push_back(body_of(*instance.raw, evaluator, instance.path));
      else if (Deployment* inner = evaluator.nested(instance))
        find_in_resources(*inner, evaluator, out, unmade);
    }
  }
}

// Whether a value asks for anything: null, empty, false and "Disabled" are what there is without it.
bool says_something(const JsonValue& value) {
  switch (value.kind) {
    case JsonValue::Kind::null: return false;
    case JsonValue::Kind::boolean: return value.boolean;
    case JsonValue::Kind::array: return !value.items.empty();
    case JsonValue::Kind::string: return !value.text.empty() && !equals_ignoring_case(value.text, "Disabled");
    default: return true;
  }
}

}  // namespace

std::vector<GatewayBody> find_gateways(Deployment& deployment, Evaluator& evaluator, ProblemList& problems) {
  std::vector<GatewayBody> out;
  const JsonValue& root = *deployment.root;
  if (!root.is_object()) {
    problems.error(
        root.where, "InvalidTemplate",
        fmt::format("a template, a resource or a fragment is an object, not {}", kind_name(root.kind)));
    return out;
  }
  if (const JsonValue* resources = root.find("resources"); resources != nullptr && !holds_collections(root)) {
    std::vector<const JsonValue*> unmade;
    find_in_resources(deployment, evaluator, out, unmade);
    if (out.empty() && !has_gateway(root)) {
      problems.error(
          resources->where, "NoApplicationGateway",
          fmt::format(
              "the template holds no resource of type {}; templates that it links to are not followed: "
              "name the one that holds it",
              gateway_type));
    } else if (out.empty() && unmade.empty()) {
      problems.error(resources->where, "NoApplicationGateway",
                     "the template's copies make no application gateway");
    } else if (out.empty()) {
      for (const JsonValue* condition : unmade) {
        if (evaluator.resolve(*condition) == nullptr) continue;  // that was said
        problems.error(
            condition->where, "NoApplicationGateway",
            fmt::format("the condition {} is false, so the template makes no application gateway; give the "
                        "--parameters that make it true",
                        condition->is_string() ? condition->text : "here"));
      }
    }
    return out;
  }
  const JsonValue* properties = root.find("properties");
  if (holds_collections(root) ||
      (properties != nullptr && (root.find("type") != nullptr || holds_collections(*properties)))) {
    out.push_back(body_of(root, evaluator, {}));
    return out;
  }
  problems.error(
      root.where, "NoApplicationGateway",
      fmt::format(
          "this is neither a template with a {0}, nor such a resource, nor any of its collections ({1}, …)",
          gateway_type, "httpListeners"));
  return out;
}

namespace {

// Looks at everything a document says of the gateway, whether or not it is used.
class PropertyCheck {
 public:
  PropertyCheck(Evaluator& evaluator, ProblemList& problems, std::vector<std::string>& without_effect)
      : evaluator_(evaluator), problems_(problems), without_effect_(without_effect) {}

  void check(const JsonValue& object, const Definition& definition, const std::string& path) {
    for (const JsonMember& member : object.members) {
      const auto known = std::ranges::find_if(definition.properties, [&](const KnownProperty& p) {
        return equals_ignoring_case(p.name, member.key);
      });
      const std::string place = path.empty() ? member.key : path + "." + member.key;
      if (known == definition.properties.end()) {
        say_unknown(member, definition, place);
        continue;
      }
      if (member.key != known->name) {
        problems_.warning_once(member.key_where, "PropertyCase",
                               fmt::format("\"{}\" is read as \"{}\"", member.key, known->name), place);
      }
      if (known->effect == Effect::honoured)
        check_inside(member.value, definition, *known, place);
      else if (known->effect != Effect::read_only)
        say_effect(member, definition, *known, place);
    }
  }

  // What stands around "properties".
  void check_wrapper(const JsonValue& element, const std::string& place) {
    static constexpr std::array known = {
        "name"sv, "id"sv, "type"sv, "etag"sv, "properties"sv, "resourceGroup"sv, "comments"sv, "metadata"sv};
    for (const JsonMember& member : element.members) {
      if (std::ranges::any_of(known, [&](std::string_view n) { return equals_ignoring_case(n, member.key); }))
        continue;
      const auto near = nearest_word(member.key, known);
      problems_.warning(
          member.key_where, "UnknownProperty",
          fmt::format("Azure knows no property \"{}\" here; {}", member.key,
                      near.empty() ? std::string("it is passed over")
                                   : fmt::format("did you mean \"{}\"? It is passed over", near)),
          place + "." + member.key);
    }
  }

 private:
  void say_unknown(const JsonMember& member, const Definition& definition, const std::string& place) {
    static constexpr std::array everywhere = {
        "name"sv,     "id"sv,   "type"sv,  "etag"sv,      "properties"sv, "apiVersion"sv,
        "location"sv, "tags"sv, "zones"sv, "identity"sv,  "dependsOn"sv,  "resourceGroup"sv,
        "comments"sv, "copy"sv, "scope"sv, "condition"sv, "metadata"sv,   "existing"sv,
        "resources"sv};
    if (std::ranges::any_of(everywhere,
                            [&](std::string_view n) { return equals_ignoring_case(n, member.key); }))
      return;
    std::vector<std::string_view> names;
    for (const auto& property : definition.properties) names.push_back(property.name);
    const auto near = nearest_word(member.key, names);
    problems_.warning(
        member.key_where, "UnknownProperty",
        near.empty()
            ? fmt::format("Azure knows no property \"{}\" here; it is passed over", member.key)
            : fmt::format("Azure knows no property \"{}\" here; did you mean \"{}\"? It is passed over",
                          member.key, near),
        place);
  }

  void say_effect(const JsonMember& member, const Definition& definition, const KnownProperty& known,
                  const std::string& place) {
    if (!says_something(member.value)) return;
    const JsonValue* value = evaluator_.resolve(member.value);
    if (value == nullptr || !says_something(*value)) return;
    if (known.effect == Effect::refused) {
      problems_.error(
          member.key_where, "NotSupportedYet",
          fmt::format(
              "\"{}\" is not supported yet ({}), and passing over it would change what the gateway does; "
              "remove it to go on",
              known.name, known.note),
          place);
      return;
    }
    // Parts of an object are said with it.
    if (!definition.name.empty() && !definition.is_child_resource) return;
    const auto said =
        definition.name.empty() ? std::string(known.name) : fmt::format("{}.{}", definition.name, known.name);
    if (std::ranges::find(without_effect_, said) == without_effect_.end()) without_effect_.push_back(said);
  }

  // Objects and lists within. A gateway's collections are looked at when they are read.
  void check_inside(const JsonValue& raw, const Definition& outer, const KnownProperty& known,
                    const std::string& place) {
    const Definition* inner = known.inside.empty() ? nullptr : find_definition(known.inside);
    if (inner == nullptr || (outer.name.empty() && inner->is_child_resource)) return;
    const JsonValue* value = evaluator_.resolve(raw);
    if (value == nullptr) return;
    if (value->is_object()) check_element(*value, *inner, place);
    for (std::size_t i = 0; i < value->items.size(); ++i) {
      const JsonValue* element = evaluator_.resolve(value->items[i]);
      if (element != nullptr) check_element(*element, *inner, fmt::format("{}[{}]", place, i));
    }
  }

  void check_element(const JsonValue& element, const Definition& definition, const std::string& place) {
    const JsonValue* properties = definition.is_child_resource ? element.find("properties") : nullptr;
    if (properties == nullptr) return check(element, definition, place);
    check_wrapper(element, place);
    const JsonValue* value = evaluator_.resolve(*properties);
    if (value != nullptr) check(*value, definition, place + ".properties");
  }

  Evaluator& evaluator_;
  ProblemList& problems_;
  std::vector<std::string>& without_effect_;
};

}  // namespace

void Resource::merge(const GatewayBody& body) {
  if (body.properties == nullptr) return;
  bodies_.push_back(body);
  if (!body.api_version.empty()) api_version_ = body.api_version;
  if (body.name != unnamed_gateway) names_.push_back(body.name);
  PropertyCheck(*body.evaluator, problems_, without_effect_)
      .check(*body.properties, *find_definition(""), body.path);
  for (const JsonMember& member : body.properties->members) {
    const Definition* collection = is_collection(member.key) ? definition_of_key(member.key) : nullptr;
    if (collection != nullptr && effect_of(collection->name) == Effect::honoured) {
      read_collection(collection->name, member.value, body);
    } else if (const JsonValue* value = body.evaluator->resolve(member.value);
               value != nullptr && value->is_object()) {
      singles_[lowered(member.key)] = Item{member.key, value, body.evaluator, member.key, member.key_where};
    } else if (value != nullptr) {
      holders_[lowered(member.key)] = Item{{}, body.properties, body.evaluator, {}, member.key_where};
    }
  }
}

const JsonValue* Resource::beside_properties(std::string_view name) const {
  const JsonValue* out = nullptr;
  for (const GatewayBody& body : bodies_) {
    const JsonValue* raw = body.resource->find(name);
    if (const JsonValue* value = raw != nullptr ? body.evaluator->try_resolve_all(*raw) : nullptr)
      out = value;
  }
  return out;
}

bool Resource::is_named(std::string_view name) const {
  return name.empty() || names_.empty() || name.find_first_of("<{[") != std::string_view::npos ||
         std::ranges::any_of(names_,
                             [&](const std::string& each) { return equals_ignoring_case(each, name); });
}

void Resource::read_collection(std::string_view name, const JsonValue& raw, const GatewayBody& body) {
  const JsonValue* list = body.evaluator->resolve(raw);
  if (list == nullptr) incomplete_.emplace(name);
  if (list == nullptr || list->is(JsonValue::Kind::null)) return;
  // Azure takes the text for the list that it shows; templates write it as the other branch of an if().
  if (list->is_string() && (list->text == "[]" || list->text.empty())) return;
  if (!list->is(JsonValue::Kind::array)) {
    problems_.error(raw.where, "InvalidRequestFormat",
                    fmt::format("{} is a list, not {}", name, kind_name(list->kind)), std::string(name));
    return;
  }
  auto& items = collections_[std::string(name)];
  const std::size_t earlier = items.size();
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const std::string path = fmt::format("{}[{}]", name, i);
    const JsonValue* element = body.evaluator->resolve(list->items[i]);
    if (element == nullptr) {
      incomplete_.emplace(name);
      continue;
    }
    if (!element->is_object()) {
      problems_.error(element->where, "InvalidRequestFormat",
                      fmt::format("an object with a name was expected, not {}", kind_name(element->kind)),
                      path);
      continue;
    }
    Item item{name_of(*element, *body.evaluator, {}), element, body.evaluator, path, element->where};
    if (element->find("properties") != nullptr)
      PropertyCheck(*body.evaluator, problems_, without_effect_).check_wrapper(*element, path);
    if (item.name.empty()) {
      incomplete_.emplace(name);
      if (const JsonValue* raw_name = element->find("name");
          raw_name != nullptr && body.evaluator->resolve(*raw_name) == nullptr)
        continue;
      problems_.error(element->where, "InvalidRequestFormat",
                      "the element has no name; give it one, for others to refer to", path);
      continue;
    }
    if (const JsonValue* properties = element->find("properties"); properties != nullptr) {
      item.properties = body.evaluator->resolve(*properties);
      if (item.properties == nullptr) {
        incomplete_.emplace(name);
        continue;
      }
      item.path += ".properties";
    }
    PropertyCheck(*body.evaluator, problems_, without_effect_)
        .check(*item.properties, *find_definition(name), item.path);
    const auto same = std::ranges::find_if(
        items, [&](const Item& other) { return equals_ignoring_case(other.name, item.name); });
    if (same == items.end()) {
      items.push_back(std::move(item));
    } else if (static_cast<std::size_t>(same - items.begin()) >= earlier) {
      problems_.error(item.where, "DuplicateResourceName",
                      fmt::format("{} holds two elements named '{}'; rename one", name, item.name), path);
    } else {
      *same = std::move(item);
    }
  }
}

const std::vector<Item>& Resource::collection(std::string_view name) const {
  static const std::vector<Item> none;
  const auto found = collections_.find(name);
  return found == collections_.end() ? none : found->second;
}

const Item* Resource::holder_of(std::string_view property) const {
  const auto found = holders_.find(lowered(property));
  return found == holders_.end() ? nullptr : &found->second;
}

const Item* Resource::single(std::string_view name) const {
  const auto found = singles_.find(lowered(name));
  return found == singles_.end() ? nullptr : &found->second;
}

}  // namespace passerelle::arm
