// The resources of a template: children, copies, conditions, nested deployments.
#include <fmt/format.h>

#include "arm/language/evaluator.h"
#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr unsigned children_depth_max = 5;

bool says_inner(const JsonValue& properties) {
  const JsonValue* options = properties.find("expressionEvaluationOptions");
  const JsonValue* scope = options != nullptr ? options->find("scope") : nullptr;
  return scope != nullptr && equals_ignoring_case(scope->text, "inner");
}

struct Parent {
  std::string type, path;
  std::vector<const JsonValue*> chain;
};

void collect(Deployment& deployment, const JsonValue& list, const Parent& parent,
             std::vector<TemplateResource>& out) {
  const auto add = [&](const JsonValue& raw, std::string symbolic, const std::string& place) {
    const JsonValue* type = raw.find("type");
    if (!raw.is_object() || type == nullptr) return;
    TemplateResource resource{std::move(symbolic), parent.type + type->text,         parent.chain, &raw,
                              &deployment,         parent.path + "resources" + place};
    const JsonValue* children = raw.find("resources");
    out.push_back(resource);
    if (children == nullptr || parent.chain.size() >= children_depth_max) return;
    Parent me{resource.type + "/", resource.path + ".", parent.chain};
    me.chain.push_back(&raw);
    collect(deployment, *children, me, out);
  };
  for (std::size_t i = 0; i < list.items.size(); ++i) add(list.items[i], {}, fmt::format("[{}]", i));
  for (const JsonMember& member : list.members) add(member.value, member.key, "." + member.key);
}

}  // namespace

const std::vector<TemplateResource>& Evaluator::resources(Deployment& deployment) {
  const auto [entry, fresh] = listed_.try_emplace(&deployment);
  std::vector<TemplateResource>& out = entry->second;
  if (!fresh) return out;
  if (const JsonValue* list = deployment.root->find("resources"))
    collect(deployment, *list, {{}, deployment.path, {}}, out);
  return out;
}

const std::vector<Evaluator::Result>& Evaluator::copies(const TemplateResource& resource) {
  const auto [entry, fresh] = copies_.try_emplace(resource.raw);
  if (!fresh) return entry->second;
  std::vector<Result> copies;
  if (const JsonValue* copy = resource.raw->find("copy"); copy != nullptr && copy->is_object()) {
    const auto count = copy_count(*copy, *resource.raw);
    if (!count && quiet_ != 0) {  // it will be said when it is asked for aloud
      static const std::vector<Result> none;
      copies_.erase(resource.raw);
      return none;
    }
    const JsonValue* name_raw = copy->find("name");
    Result name = name_raw != nullptr ? force(resolve(*name_raw)) : nullptr;
    for (std::int64_t i = 0; i < count.value_or(0); ++i) {
      const ScopeId scope = add_scope({Scope::Kind::resource_loop,
                                       scopes_[resource.raw->scope].deployment,
                                       resource.raw->scope,
                                       name != nullptr ? name->text : std::string(),
                                       i,
                                       {}});
      Result cloned = clone(*resource.raw, scope, *resource.raw);
      if (cloned == nullptr) break;
      copies.push_back(cloned);
    }
  } else {
    copies.push_back(resource.raw);
  }
  return copies_[resource.raw] = std::move(copies);
}

std::vector<TemplateResource> Evaluator::instances(const TemplateResource& resource) {
  std::vector<TemplateResource> out;
  for (Result raw : copies(resource)) {
    TemplateResource each = resource;
    each.raw = raw;
    const JsonValue* condition = raw->find("condition");
    Result value = condition != nullptr ? force(resolve(*condition)) : nullptr;
    if (condition != nullptr && value == nullptr) continue;
    if (value != nullptr && !value->is(JsonValue::Kind::boolean)) {
      fail(*condition, "InvalidTemplate", fmt::format("a condition is true or false, not {}", shown(*value)));
      continue;
    }
    const bool made = value == nullptr || value->boolean;
    if (made) out.push_back(std::move(each));
  }
  return out;
}

std::optional<std::string> Evaluator::name_of(const TemplateResource& resource) {
  std::string out;
  std::vector<const JsonValue*> chain = resource.parents;
  chain.push_back(resource.raw);
  for (const JsonValue* each : chain) {
    const JsonValue* raw = each->find("name");
    Result name = raw != nullptr ? force(resolve(*raw)) : nullptr;
    if (name == nullptr || !name->is_string()) return std::nullopt;
    out += (out.empty() ? "" : "/") + name->text;
  }
  return out;
}

Deployment* Evaluator::nested(const TemplateResource& resource) {
  if (const auto known = nested_.find(resource.raw); known != nested_.end()) return known->second;
  const JsonValue* raw_properties = resource.raw->find("properties");
  Result properties = raw_properties != nullptr ? resolve(*raw_properties) : nullptr;
  const JsonValue* raw_template = properties != nullptr ? properties->find("template") : nullptr;
  Result body = raw_template != nullptr ? resolve(*raw_template) : nullptr;
  if (body == nullptr || !body->is_object()) return nullptr;
  Deployment& inner = deployments_.emplace_back();
  nested_[resource.raw] = &inner;
  inner.root = body;
  inner.parent = resource.deployment;
  inner.place = resource.deployment->place;
  inner.path = resource.path + ".properties.template.";
  inner.name = name_of(resource).value_or("nested");
  const auto override = [&](std::string_view key, std::string& out) {
    const JsonValue* raw = resource.raw->find(key);
    Result value = raw != nullptr ? force(resolve(*raw)) : nullptr;
    if (value != nullptr && value->is_string()) out = value->text;
  };
  override("subscriptionId", inner.place.subscription);
  override("resourceGroup", inner.place.resource_group);
  // With symbolic names the scope is always inner; else outer is Azure's default: expressions are those of
  // the parent.
  if (!says_inner(*properties) && !resource.deployment->symbolic()) {
    inner.scope = body->scope == evaluated ? resource.raw->scope : body->scope;
    return &inner;
  }
  inner.scope = add_scope({Scope::Kind::deployment, &inner, evaluated, {}, 0, {}});
  Result bound = clone(*body, inner.scope, *resource.raw);
  if (bound == nullptr) return nested_[resource.raw] = nullptr;
  inner.root = bound;
  const JsonValue* given = properties->find("parameters");
  Result parameters = given != nullptr ? resolve(*given) : nullptr;
  if (parameters != nullptr) {
    for (const JsonMember& member : parameters->members) {
      Result wrapper = resolve(member.value);
      if (wrapper != nullptr) inner.given[lowered(member.key)] = wrapper;
    }
  }
  return &inner;
}

}  // namespace passerelle::arm
