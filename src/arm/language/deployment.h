// One deployment: a template with its parameters and the place it is deployed to.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "arm/json_value.h"

namespace passerelle::arm {

// Where everything is deployed to, and when: what subscription(), resourceGroup() and utcNow() yield. The
// defaults are fixed, so that ids are the same everywhere.
struct DeploymentScope {
  std::string subscription = "00000000-0000-0000-0000-000000000000";
  std::string resource_group = "passerelle";
  std::string location = "westeurope";
  std::int64_t now = 0;  // seconds since 1970
};

struct Deployment;

// An element of a template's `resources`. A value; points into documents that outlive it.
struct TemplateResource {
  std::string symbolic_name;              // languageVersion 2.0; empty otherwise
  std::string type;                       // with its parents' types
  std::vector<const JsonValue*> parents;  // of a child resource: its parents, outermost first
  const JsonValue* raw = nullptr;         // unevaluated
  Deployment* deployment = nullptr;
  std::string path;  // "resources[2]"
};

// A resource of the evaluator.
struct Deployment {
  std::string name;
  const JsonValue* root = nullptr;  // the template
  Deployment* parent = nullptr;
  DeploymentScope place;
  ScopeId scope = 0;
  std::string path;  // of a nested one: "resources[3].properties.template."
  // By lowered name: {"value": …} or {"reference": …}, later ones win.
  std::map<std::string, const JsonValue*> given;
  std::map<std::string, const JsonValue*> parameter_values;  // null: could not be had, and that was said

  [[nodiscard]] bool symbolic() const {
    const JsonValue* resources = root->find("resources");
    return resources != nullptr && resources->is_object();
  }
};

}  // namespace passerelle::arm
