// Ids of resources, and what the place a template is deployed to yields.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "arm/language/date_time.h"
#include "arm/language/evaluator.h"
#include "arm/language/functions.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

constexpr std::string_view no_id = "00000000-0000-0000-0000-000000000000";

JsonValue subscription_object(const DeploymentScope& place) {
  JsonValue out = make_object();
  add_member(out, "id", "/subscriptions/" + place.subscription);
  add_member(out, "subscriptionId", place.subscription);
  add_member(out, "tenantId", std::string(no_id));
  add_member(out, "displayName", "Passerelle");
  return out;
}

JsonValue group_object(const DeploymentScope& place) {
  JsonValue out = make_object();
  add_member(out, "id",
             fmt::format("/subscriptions/{}/resourceGroups/{}", place.subscription, place.resource_group));
  add_member(out, "name", place.resource_group);
  add_member(out, "type", "Microsoft.Resources/resourceGroups");
  add_member(out, "location", place.location);
  add_member(out, "tags", make_object());
  JsonValue properties = make_object();
  add_member(properties, "provisioningState", "Succeeded");
  add_member(out, "properties", std::move(properties));
  return out;
}

JsonValue deployment_object(const Deployment& deployment) {
  JsonValue out = make_object();
  add_member(out, "name", deployment.name);
  add_member(out, "location", deployment.place.location);
  JsonValue template_object = make_object();
  for (const std::string_view key : {"$schema", "contentVersion"}) {
    if (const JsonValue* found = deployment.root->find(key))
      add_member(template_object, std::string(key), found->text);
  }
  JsonValue properties = make_object();
  add_member(properties, "template", std::move(template_object));
  add_member(properties, "mode", "Incremental");
  add_member(properties, "provisioningState", "Accepted");
  add_member(out, "properties", std::move(properties));
  return out;
}

JsonValue environment_object() {
  JsonValue out = make_object();
  add_member(out, "name", "AzureCloud");
  add_member(out, "gallery", "https://gallery.azure.com/");
  add_member(out, "portal", "https://portal.azure.com");
  add_member(out, "resourceManager", "https://management.azure.com/");
  add_member(out, "graph", "https://graph.windows.net/");
  add_member(out, "graphAudience", "https://graph.windows.net/");
  add_member(out, "batch", "https://batch.core.windows.net/");
  add_member(out, "media", "https://rest.media.azure.net");
  add_member(out, "sqlManagement", "https://management.core.windows.net:8443/");
  add_member(out, "activeDirectoryDataLake", "https://datalake.azure.net/");
  add_member(
      out, "vmImageAliasDoc",
      "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/master/arm-compute/quickstart-templates/"
      "aliases.json");
  JsonValue authentication = make_object();
  add_member(authentication, "loginEndpoint", "https://login.microsoftonline.com/");
  add_member(authentication, "audiences",
             make_array({make_text("https://management.core.windows.net/"),
                         make_text("https://management.azure.com/")}));
  add_member(authentication, "tenant", "common");
  add_member(authentication, "identityProvider", "AAD");
  add_member(out, "authentication", std::move(authentication));
  JsonValue suffixes = make_object();
  add_member(suffixes, "storage", "core.windows.net");
  add_member(suffixes, "keyvaultDns", ".vault.azure.net");
  add_member(suffixes, "sqlServerHostname", ".database.windows.net");
  add_member(suffixes, "acrLoginServer", ".azurecr.io");
  add_member(suffixes, "azureDatalakeStoreFileSystem", "azuredatalakestore.net");
  add_member(suffixes, "azureDatalakeAnalyticsCatalogAndJob", "azuredatalakeanalytics.net");
  add_member(suffixes, "azureFrontDoorEndpointSuffix", "azurefd.net");
  add_member(out, "suffixes", std::move(suffixes));
  return out;
}

JsonValue tenant_object() {
  JsonValue out = make_object();
  add_member(out, "tenantId", std::string(no_id));
  add_member(out, "displayName", "Passerelle");
  return out;
}

JsonValue deployer_object() {
  JsonValue out = make_object();
  add_member(out, "tenantId", std::string(no_id));
  add_member(out, "objectId", std::string(no_id));
  return out;
}

JsonValue management_group_object() {
  JsonValue out = make_object();
  add_member(out, "id", "/providers/Microsoft.Management/managementGroups/passerelle");
  add_member(out, "name", "passerelle");
  return out;
}

// Logical zones are '1', '2' and '3', physical ones 'westeurope-az1' and so on; here each is its namesake.
std::string mapped_zone(bool to_physical, std::string_view location, std::string_view zone) {
  return to_physical ? fmt::format("{}-az{}", location, zone) : std::string(zone.substr(zone.size() - 1));
}

// toLogicalZone(subscription, location, zone), toPhysicalZones(subscription, location, zones), … Nothing
// when the arguments are others.
std::optional<JsonValue> zone_call(const std::string& name, std::span<const JsonValue* const> arguments) {
  if (arguments.size() != 3 || !arguments[1]->is_string()) return std::nullopt;
  const bool to_physical = name.starts_with("tophysical");
  const auto mapped = [&](const JsonValue& zone) {
    return make_text(zone.text.empty() ? "" : mapped_zone(to_physical, arguments[1]->text, zone.text));
  };
  if (!name.ends_with('s')) return mapped(*arguments[2]);
  JsonValue out = make_array();
  for (const JsonValue& zone : arguments[2]->items) out.items.push_back(mapped(zone));
  return out;
}

// "/TYPE/NAME/TYPE/NAME" of a type's parts and as many names; a name may hold several, divided by '/'.
// Nothing when their numbers differ.
std::optional<std::string> segments(std::string_view type, std::span<const JsonValue* const> names) {
  std::vector<std::string_view> each;
  for (const JsonValue* name : names) {
    std::string_view rest = name->text;
    for (;;) {
      const auto [first, others] = split_once(rest, '/');
      each.push_back(first);
      if (first.size() == rest.size()) break;
      rest = others;
    }
  }
  const auto [provider, parts] = split_once(type, '/');
  std::string out = "/providers/" + std::string(provider);
  std::string_view rest = parts;
  for (const std::string_view name : each) {
    const auto [part, others] = split_once(rest, '/');
    if (part.empty()) return std::nullopt;
    out += fmt::format("/{}/{}", part, name);
    rest = others;
  }
  return rest.empty() ? std::optional(out) : std::nullopt;
}

}  // namespace

Evaluator::Result Evaluator::place_call(const std::string& name, std::span<const Result> arguments,
                                        ScopeId scope, const JsonValue& origin, bool& found) {
  const Deployment& deployment = deployment_of(scope);
  const auto made = [&](JsonValue value) { return keep(std::move(value), origin.where); };
  if (name == "subscription") return made(subscription_object(deployment.place));
  if (name == "resourcegroup") return made(group_object(deployment.place));
  if (name == "deployment") return made(deployment_object(deployment));
  if (name == "environment") return made(environment_object());
  if (name == "tenant") return made(tenant_object());
  if (name == "deployer") return made(deployer_object());
  if (name == "managementgroup") return made(management_group_object());
  if (name == "pickzones") return made(make_array());
  if (name == "tologicalzone" || name == "tologicalzones" || name == "tophysicalzone" ||
      name == "tophysicalzones") {
    auto zones = zone_call(name, arguments);
    return zones ? made(std::move(*zones))
                 : fail(origin, "InvalidTemplate", name + "() takes a subscription, a location and zones");
  }
  if (name == "utcnow") {
    auto text =
        format_date_time(deployment.place.now, arguments.empty() ? std::string_view() : arguments[0]->text);
    return text ? made(make_text(std::move(*text)))
                : fail(origin, "InvalidTemplate", "utcNow(): " + text.error());
  }
  if (name == "newguid") {
    // The same at every load, so that a reload changes nothing (docs/decisions/0010): of the place it is
    // written at.
    const JsonValue place =
        make_text(fmt::format("newGuid {} {} {}", origin.where.file, origin.where.line, origin.where.column));
    const std::array<const JsonValue*, 1> only = {&place};
    FunctionCall call(only);
    return made(find_function("guid")->run(call));
  }
  if (name.ends_with("resourceid")) return resource_id(name, arguments, deployment, origin);
  if (name == "resourceinfo" && arguments.size() == 1) {
    Deployment& mutable_deployment = deployment_of(scope);
    const auto resource = find_resource(mutable_deployment, arguments[0]->text);
    if (!resource)
      return fail(origin, "InvalidTemplate",
                  fmt::format("the template has no resource '{}'", arguments[0]->text));
    const auto its_name = name_of(*resource);
    if (!its_name) return nullptr;
    JsonValue out = make_object();
    const JsonValue name_value = make_text(*its_name);
    const std::array<const JsonValue*, 1> names = {&name_value};
    add_member(out, "name", *its_name);
    add_member(out, "type", resource->type);
    add_member(out, "id",
               fmt::format("/subscriptions/{}/resourceGroups/{}{}", deployment.place.subscription,
                           deployment.place.resource_group, segments(resource->type, names).value_or("")));
    return made(std::move(out));
  }
  found = false;
  return nullptr;
}

// resourceId([subscription], [resourceGroup], type, name, [name...]): the type is the first with a '/'.
Evaluator::Result Evaluator::resource_id(const std::string& name, std::span<const Result> arguments,
                                         const Deployment& deployment, const JsonValue& origin) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i]->is_string() && !arguments[i]->is(JsonValue::Kind::number))
      return fail(origin, "InvalidTemplate",
                  fmt::format("argument {} of {}() is a string, not {}", i + 1, name, shown(*arguments[i])));
  }
  const bool extension = name == "extensionresourceid";
  std::size_t type = extension ? 1 : 0;
  while (!extension && type < arguments.size() && arguments[type]->text.find('/') == std::string::npos)
    ++type;
  const std::size_t before_max = name == "resourceid" ? 2 : name == "tenantresourceid" ? 0 : 1;
  if (type > before_max || type + 1 >= arguments.size()) {
    return fail(
        origin, "InvalidTemplate",
        fmt::format("{}() takes a type as 'Microsoft.Network/…' and a name for each of its parts", name));
  }
  const auto rest = segments(arguments[type]->text, arguments.subspan(type + 1));
  if (!rest) {
    return fail(
        origin, "InvalidTemplate",
        fmt::format("{}() takes as many names as the type '{}' has parts", name, arguments[type]->text));
  }
  std::string id;
  if (extension) {
    id = arguments[0]->text;
  } else if (name == "managementgroupresourceid") {
    id = "/providers/Microsoft.Management/managementGroups/" +
         (type == 1 ? arguments[0]->text : std::string("passerelle"));
  } else if (name != "tenantresourceid") {
    const bool group = name == "resourceid";
    const std::string& subscription =
        type == (group ? 2U : 1U) ? arguments[0]->text : deployment.place.subscription;
    id = "/subscriptions/" + subscription;
    if (group)
      id += "/resourceGroups/" + (type >= 1 ? arguments[type - 1]->text : deployment.place.resource_group);
  }
  return keep(make_text(id + *rest), origin.where);
}

}  // namespace passerelle::arm
