// What only Azure knows, the local file answers, or another resource of the template says: reference(),
// list*().
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/language/evaluator.h"
#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr std::string_view deployments_type = "Microsoft.Resources/deployments";

const Expression& root_of(const Expression& expression) {
  const Expression* at = &expression;
  while (at->kind == Expression::Kind::property || at->kind == Expression::Kind::index) at = &at->operands[0];
  return *at;
}

bool asks_azure(const Expression& expression) {
  if (expression.kind != Expression::Kind::call) return false;
  const std::string name = lowered(expression.text);
  return name == "reference" || name == "references" || name == "providers" || name.starts_with("list");
}

// "Type/name" of an id: what stands behind its last "/providers/", types first, then names.
struct TypeAndName {
  std::string type, name;
};
std::optional<TypeAndName> split_id(std::string_view id) {
  const auto at = lowered(id).rfind("/providers/");
  if (at == std::string::npos) return std::nullopt;
  id.remove_prefix(at + std::string_view("/providers/").size());
  const auto [provider, parts] = split_once(id, '/');
  TypeAndName out{std::string(provider), {}};
  std::string_view rest = parts;
  while (!rest.empty()) {
    const auto [type, behind] = split_once(rest, '/');
    const auto [name, others] = split_once(behind, '/');
    out.type += "/" + std::string(type);
    out.name += (out.name.empty() ? "" : "/") + std::string(name);
    rest = others;
  }
  return out;
}

// Whether the id may be of something deployed there: it names that subscription and group, or none.
bool is_of(const DeploymentScope& place, std::string_view id) {
  const auto part_behind = [&](std::string_view word) -> std::string_view {
    const auto at = lowered(id).find(word);
    return at == std::string::npos ? std::string_view() : split_once(id.substr(at + word.size()), '/').first;
  };
  const auto subscription = part_behind("/subscriptions/");
  const auto group = part_behind("/resourcegroups/");
  return (subscription.empty() || equals_ignoring_case(subscription, place.subscription)) &&
         (group.empty() || equals_ignoring_case(group, place.resource_group));
}

class Quiet {
 public:
  explicit Quiet(unsigned& quiet) : quiet_(quiet) { ++quiet_; }
  ~Quiet() { --quiet_; }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  unsigned& quiet_;
};

}  // namespace

// A call and the properties and indexes behind it.
Evaluator::Result Evaluator::chain(const Expression& expression, ScopeId scope, const JsonValue& origin) {
  const Expression& root = root_of(expression);
  if (asks_azure(root)) return answer(expression, scope, origin);
  if (expression.kind == Expression::Kind::call) return call(expression, scope, origin);
  return step(evaluate(expression.operands[0], scope, origin), expression, scope, origin);
}

// The local file by the text of the call with as much of its path as it knows; then by "Type/name"; then the
// template.
Evaluator::Result Evaluator::answer(const Expression& expression, ScopeId scope, const JsonValue& origin) {
  std::vector<const Expression*> path;  // outermost first
  const Expression* at = &expression;
  Result value = nullptr;
  for (;; at = &at->operands[0]) {
    if (const auto* known = answers_.find(compact_call(at->source))) {
      value = &known->value;
      break;
    }
    if (at->kind == Expression::Kind::call) break;
    path.push_back(at);
  }
  if (value == nullptr) value = from_template(*at, scope, origin);
  if (value == nullptr) return quiet_ != 0 || exhausted_ ? nullptr : unknown(expression.source, origin);
  for (; !path.empty() && value != nullptr; path.pop_back()) {
    const Quiet quiet(quiet_);
    value = step(value, *path.back(), scope, origin);
  }
  return value != nullptr || quiet_ != 0 ? value : unknown(expression.source, origin);
}

Evaluator::Result Evaluator::unknown(std::string_view call, const JsonValue& origin) {
  if (quiet_ != 0) return nullptr;
  const std::string text(call);
  if (std::ranges::find(unanswered_, text) == unanswered_.end()) unanswered_.push_back(text);
  return fail(origin, "MissingReference",
              fmt::format("only Azure knows {0}; say what it is here, in the local file: \"references\": {{ "
                          "\"{0}\": \"…\" }}",
                          text));
}

Evaluator::Result Evaluator::from_template(const Expression& call, ScopeId scope, const JsonValue& origin) {
  // Names and conditions may not ask for resources, in Azure as here: else each would ask for all others.
  if (call.operands.empty() || searching_) return nullptr;
  const Quiet quiet(quiet_);
  Result target = force(evaluate(call.operands[0], scope, origin));
  if (target == nullptr || !target->is_string()) return nullptr;
  Deployment& deployment = deployment_of(scope);
  if (equals_ignoring_case(call.text, "references")) return all_references(target->text, deployment, origin);
  const auto resource = find_resource(deployment, target->text);
  const auto id = split_id(target->text);
  std::string type_name = id ? id->type + "/" + id->name : std::string();
  if (!id && resource) type_name = resource->type + "/" + name_of(*resource).value_or("");
  if (const auto* known = type_name.empty() ? nullptr : answers_.find(compact_call(type_name)))
    return &known->value;
  if (!equals_ignoring_case(call.text, "reference") || !resource) return nullptr;
  Result full = nullptr;
  if (call.operands.size() == 3) full = force(evaluate(call.operands[2], scope, origin));
  if (full != nullptr && equals_ignoring_case(full->text, "full")) return full_resource(*resource);
  return runtime_properties(*resource);
}

Evaluator::Result Evaluator::runtime_properties(const TemplateResource& resource) {
  const auto [known, fresh] = runtime_.try_emplace(resource.raw, nullptr);
  if (!fresh) return known->second;
  Result made = make_runtime(resource);
  if (made == nullptr)
    runtime_.erase(resource.raw);
  else
    runtime_[resource.raw] = made;
  return made;
}

// As reference(…, 'Full') yields it.
Evaluator::Result Evaluator::full_resource(const TemplateResource& resource) {
  Result properties = runtime_properties(resource);
  Result copy = clone(*resource.raw, resource.raw->scope, *resource.raw);
  if (properties == nullptr || copy == nullptr) return copy;
  JsonValue& out = kept_.back();
  set_member(out, "properties", *properties);
  add_member(out, "subscriptionId", resource.deployment->place.subscription);
  add_member(out, "resourceGroupName", resource.deployment->place.resource_group);
  return &out;
}

// references('LOOP'): what each of its copies is.
Evaluator::Result Evaluator::all_references(const std::string& symbolic_name, Deployment& deployment,
                                            const JsonValue& origin) {
  for (const TemplateResource& each : resources(deployment)) {
    if (each.symbolic_name.empty() || !equals_ignoring_case(each.symbolic_name, symbolic_name)) continue;
    JsonValue out = make_array();
    out.scope = each.raw->scope;
    for (const TemplateResource& instance : instances(each)) {
      Result properties = runtime_properties(instance);
      if (properties == nullptr || !spend(weight(*properties), origin)) return nullptr;
      out.items.push_back(*properties);
    }
    kept_.push_back(std::move(out));
    return &kept_.back();
  }
  return nullptr;
}

Evaluator::Result Evaluator::make_runtime(const TemplateResource& resource) {
  if (equals_ignoring_case(resource.type, deployments_type)) {
    Deployment* inner = nested(resource);
    if (inner == nullptr) return nullptr;
    JsonValue out = make_object();
    out.scope = inner->scope;
    if (const JsonValue* outputs = inner->root->find("outputs")) {
      Result list = outputs_of(*inner, *outputs);
      if (list == nullptr) return nullptr;
      add_member(out, "outputs", *list);
    }
    kept_.push_back(std::move(out));
    return &kept_.back();
  }
  const JsonValue* properties = resource.raw->find("properties");
  Result declared = properties != nullptr ? resolve(*properties) : nullptr;
  const auto name = name_of(resource);
  if (declared == nullptr || !name) return declared;
  // What Azure makes of a name is no secret.
  const bool site = equals_ignoring_case(resource.type, "Microsoft.Web/sites");
  if (!site && !equals_ignoring_case(resource.type, "Microsoft.Network/publicIPAddresses")) return declared;
  Result copy = clone(*declared, declared->scope, *resource.raw);
  if (copy == nullptr) return nullptr;
  JsonValue& out = kept_.back();
  if (site) {
    const std::string host = lowered(*name) + ".azurewebsites.net";
    add_member(out, "defaultHostName", host);
    add_member(out, "hostNames", make_array({make_text(host)}));
    return copy;
  }
  const JsonValue* settings = declared->find("dnsSettings");
  Result dns = settings != nullptr ? resolve_all(*settings) : nullptr;
  const JsonValue* label = dns != nullptr ? dns->find("domainNameLabel") : nullptr;
  if (label == nullptr) return copy;
  JsonValue known = *dns;
  set_member(
      known, "fqdn",
      make_text(lowered(label->text) + "." + resource.deployment->place.location + ".cloudapp.azure.com"));
  set_member(out, "dnsSettings", std::move(known));
  return copy;
}

// { name: { "type", "value" } }, unevaluated; an output that is copied becomes a list.
Evaluator::Result Evaluator::outputs_of(const Deployment& deployment, const JsonValue& outputs) {
  JsonValue out = make_object();
  out.scope = deployment.scope;
  for (const JsonMember& output : outputs.members) {
    const JsonValue* copy = output.value.find("copy");
    const JsonValue* input = copy != nullptr ? copy->find("input") : nullptr;
    const JsonValue* type = output.value.find("type");
    const bool secure = type != nullptr && starts_with_ignoring_case(type->text, "secure");
    if (input == nullptr) {
      Result plain = clone(output.value, deployment.scope, outputs);
      if (plain == nullptr) return nullptr;
      for (JsonMember& member : kept_.back().members)
        member.value.secret = secure && equals_ignoring_case(member.key, "value");
      add_member(out, output.key, *plain);
      continue;
    }
    JsonValue list = make_array();
    list.scope = deployment.scope;
    for (std::int64_t i = 0, count = copy_count(*copy, outputs).value_or(0); i < count; ++i) {
      const ScopeId scope = add_scope({Scope::Kind::resource_loop,
                                       scopes_[deployment.scope].deployment,
                                       deployment.scope,
                                       output.key,
                                       i,
                                       {}});
      Result item = clone(*input, scope, outputs);
      if (item == nullptr) return nullptr;
      list.items.push_back(*item);
    }
    JsonValue value = make_object();
    value.scope = deployment.scope;
    add_member(value, "value", std::move(list));
    add_member(out, output.key, std::move(value));
  }
  kept_.push_back(std::move(out));
  return &kept_.back();
}

std::optional<TemplateResource> Evaluator::find_by_id(const std::string& id) {
  for (std::size_t i = 0; i < deployments_.size(); ++i) {  // looking may deploy more
    if (auto found = find_resource(deployments_[i], id)) return found;
  }
  return std::nullopt;
}

// By symbolic name, by name, or by id; here and in the deployments around.
std::optional<TemplateResource> Evaluator::find_resource(Deployment& deployment, const std::string& id) {
  const Quiet quiet(quiet_);
  const bool outermost = !std::exchange(searching_, true);
  std::optional<TemplateResource> out;
  for (Deployment* at = &deployment; at != nullptr && !out; at = at->parent) out = find_here(*at, id);
  if (outermost) searching_ = false;
  return out;
}

std::optional<TemplateResource> Evaluator::find_here(Deployment& deployment, const std::string& id) {
  const auto wanted = split_id(id);
  // Another subscription's or group's is not this template's.
  if (wanted && !is_of(deployment.place, id)) return std::nullopt;
  const auto [symbolic, rest] = split_once(id, '[');  // "loop[1]"
  const auto index =
      rest.ends_with(']') ? parse_decimal<std::size_t>(rest.substr(0, rest.size() - 1)) : std::nullopt;
  for (const TemplateResource& each : resources(deployment)) {
    if (!each.symbolic_name.empty() &&
        equals_ignoring_case(each.symbolic_name, index ? symbolic : std::string_view(id))) {
      if (!index) return each;
      const auto all = instances(each);
      return *index < all.size() ? std::optional(all[*index]) : std::nullopt;
    }
    if (wanted && !equals_ignoring_case(each.type, wanted->type)) continue;
    for (const TemplateResource& instance : instances(each)) {
      const auto name = name_of(instance);
      if (name && equals_ignoring_case(*name, wanted ? wanted->name : id)) return instance;
    }
  }
  return std::nullopt;
}

}  // namespace passerelle::arm
