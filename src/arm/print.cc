#include "arm/print.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/json_reader.h"
#include "arm/known_properties.h"
#include "arm/language/values.h"
#include "base/json_writer.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

class Printer {
 public:
  Printer(const Resource& resource, const model::Gateway& gateway, const ProblemList& problems,
          Secrets secrets)
      : resource_(resource), gateway_(gateway), problems_(problems), masked_(secrets == Secrets::masked) {}

  std::string print() {
    JsonValue properties = make_object();
    for (const KnownProperty& known : find_definition("")->properties) {
      if (known.effect == Effect::read_only) continue;
      if (const auto& items = resource_.collection(known.name); !items.empty())
        add_member(properties, std::string(known.name), collection(items, *find_definition(known.name)));
      else if (const Item* holder = resource_.holder_of(known.name)) {
        if (const JsonValue* value =
                holder->evaluator->try_resolve_all(*holder->properties->find(known.name)))
          add_member(properties, std::string(known.name), inside(*value, known, *holder->evaluator));
      } else if (const Item* single = resource_.single(known.name))
        add_member(properties, std::string(known.name),
                   object(*single->properties, *find_definition(known.inside), *single->evaluator));
    }
    JsonValue out = make_object();
    add_member(out, "type", "Microsoft.Network/applicationGateways");
    if (!resource_.api_version().empty()) add_member(out, "apiVersion", resource_.api_version());
    add_member(out, "name", gateway_.name);
    for (const std::string_view name : {"location", "tags", "identity", "zones"}) {
      if (const JsonValue* value = resource_.beside_properties(name))
        add_member(out, std::string(name), without_secrets(*value));
    }
    add_member(out, "properties", std::move(properties));
    return to_json_lines(out);
  }

 private:
  JsonValue collection(const std::vector<Item>& items, const Definition& definition) {
    JsonValue out = make_array();
    for (const Item& item : items) {
      JsonValue element = make_object();
      add_member(element, "name", item.name);
      add_member(element, "properties", object(*item.properties, definition, *item.evaluator));
      out.items.push_back(std::move(element));
    }
    return out;
  }

  JsonValue object(const JsonValue& raw, const Definition& definition, Evaluator& evaluator) {
    JsonValue out = make_object();
    for (const KnownProperty& known : definition.properties) {
      if (known.effect == Effect::read_only) continue;
      const bool secret =
          definition.name == "sslCertificates" && (known.name == "data" || known.name == "password");
      const JsonValue* found = raw.find(known.name);
      if (found != nullptr && secret && masked_) {
        add_member(out, std::string(known.name), std::string(secret_mask));
        continue;
      }
      const JsonValue* value = found != nullptr ? evaluator.try_resolve_all(*found) : nullptr;
      if (value != nullptr && !value->is(JsonValue::Kind::null))
        add_member(out, std::string(known.name), inside(*value, known, evaluator));
      else if (!known.default_value.empty())
        add_member(out, std::string(known.name), default_of(known));
    }
    return out;
  }

  static JsonValue default_of(const KnownProperty& known) {
    ProblemList quiet({});
    return read_json(known.default_value, 0, quiet).value_or(JsonValue());
  }

  JsonValue inside(const JsonValue& value, const KnownProperty& known, Evaluator& evaluator) {
    if (value.secret && masked_) return make_text(std::string(secret_mask));
    if (known.inside == "reference") return reference(value);
    const Definition* definition = known.inside.empty() ? nullptr : find_definition(known.inside);
    if (definition == nullptr) return without_secrets(value);
    if (value.is_object()) return object(value, *definition, evaluator);
    JsonValue out = make_array();
    for (const JsonValue& item : value.items) {
      const JsonValue* properties = definition->is_child_resource ? item.find("properties") : nullptr;
      const JsonValue* name = item.find("name");
      JsonValue inner = object(properties != nullptr ? *properties : item, *definition, evaluator);
      if (!definition->is_child_resource) {
        out.items.push_back(std::move(inner));
        continue;
      }
      JsonValue element = make_object();
      if (name != nullptr) add_member(element, "name", name->text);
      add_member(element, "properties", std::move(inner));
      out.items.push_back(std::move(element));
    }
    return out;
  }

  // Names and ids are what they are, also where a password is a word of theirs.
  JsonValue without_secrets(JsonValue value) const {
    if (!masked_) return value;
    if (value.secret) return make_text(std::string(secret_mask));
    if (value.is_string()) value.text = problems_.without_secrets(std::move(value.text));
    for (JsonValue& item : value.items) item = without_secrets(std::move(item));
    for (JsonMember& member : value.members) member.value = without_secrets(std::move(member.value));
    return value;
  }

  // One id or a list of them. Ids within the gateway are written whole, whatever stood there.
  JsonValue reference(const JsonValue& value) {
    if (value.is(JsonValue::Kind::array)) {
      JsonValue out = make_array();
      for (const JsonValue& item : value.items) out.items.push_back(reference(item));
      return out;
    }
    JsonValue out = make_object();
    const JsonValue* id = value.find("id");
    std::string text = id != nullptr ? id->text : std::string();
    while (!text.empty() && std::string_view("'\")] ").find(text.back()) != std::string_view::npos)
      text.pop_back();
    const auto name_at = text.rfind('/');
    const auto type_at =
        name_at == std::string::npos || name_at == 0 ? std::string::npos : text.rfind('/', name_at - 1);
    if (type_at != std::string::npos) {
      const std::string_view type = std::string_view(text).substr(type_at + 1, name_at - type_at - 1);
      for (const Definition& definition : definitions()) {
        if (!definition.is_child_resource || !equals_ignoring_case(definition.name, type)) continue;
        std::string_view name = std::string_view(text).substr(name_at + 1);
        const auto& items = resource_.collection(definition.name);
        const auto item =
            std::ranges::find_if(items, [&](const Item& i) { return equals_ignoring_case(i.name, name); });
        if (item != items.end()) name = item->name;
        text = fmt::format("{}/{}/{}", gateway_.resource_id, definition.name, name);
        break;
      }
    }
    add_member(out, "id", std::move(text));
    return out;
  }

  const Resource& resource_;
  const model::Gateway& gateway_;
  const ProblemList& problems_;
  const bool masked_;
};

void write_lines(std::string& out, const JsonValue& value, std::size_t indent) {
  const bool object = value.is_object();
  const std::size_t count = object ? value.members.size() : value.items.size();
  if (count == 0) {
    out += to_json(value);
    return;
  }
  const std::string pad(indent + 2, ' ');
  out += object ? "{\n" : "[\n";
  for (std::size_t i = 0; i < count; ++i) {
    out += pad;
    if (object) {
      append_json_string(out, value.members[i].key);
      out += ": ";
    }
    write_lines(out, object ? value.members[i].value : value.items[i], indent + 2);
    out += i + 1 < count ? ",\n" : "\n";
  }
  out += std::string(indent, ' ') + (object ? "}" : "]");
}

}  // namespace

std::string print_resource(const Resource& resource, const model::Gateway& gateway,
                           const ProblemList& problems, Secrets secrets) {
  return Printer(resource, gateway, problems, secrets).print();
}

std::string to_json_lines(const JsonValue& value) {
  std::string out;
  write_lines(out, value, 0);
  return out + "\n";
}

}  // namespace passerelle::arm
