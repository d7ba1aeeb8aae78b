// The gateway resource as written: its collections, by name, over one or several files.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "arm/json_value.h"
#include "arm/language/evaluator.h"
#include "arm/problem_list.h"

namespace passerelle::arm {

// One element of a collection. Points into documents that outlive it.
struct Item {
  std::string name;
  const JsonValue* properties = nullptr;  // the element itself where the document is flattened
  Evaluator* evaluator = nullptr;
  std::string path;  // "httpListeners[0]"
  Position where;
};

// What one document says of the gateway.
struct GatewayBody {
  std::string name;
  const JsonValue* properties = nullptr;
  Evaluator* evaluator = nullptr;
  std::string path;                     // "resources[2].properties"
  std::string api_version;              // "2023-09-01"; empty where it is not said
  const JsonValue* resource = nullptr;  // with what stands around its properties
};

// The gateways a document holds: a template's resources, those of its nested deployments too; a bare resource
// (nested or flattened), its `properties` alone, or a fragment with some of the collections.
[[nodiscard]] std::vector<GatewayBody> find_gateways(Deployment& deployment, Evaluator& evaluator,
                                                     ProblemList& problems);

// The collections of all bodies, merged: a later item of the same name replaces the earlier one whole.
class Resource {
 public:
  explicit Resource(ProblemList& problems) : problems_(problems) {}
  void merge(const GatewayBody& body);

  [[nodiscard]] const std::vector<Item>& collection(std::string_view name) const;
  // Some of it could not be evaluated, which was said: what is missed in it may be there.
  [[nodiscard]] bool is_incomplete(std::string_view name) const { return incomplete_.contains(name); }
  // A property of the resource that is no collection (webApplicationFirewallConfiguration); null when absent.
  [[nodiscard]] const Item* single(std::string_view name) const;
  // What holds a plain value (enableHttp2), or a list that is no collection (customErrorConfigurations), as a
  // property of that name; null when absent.
  [[nodiscard]] const Item* holder_of(std::string_view property) const;
  // Whether a gateway named so may be this one: placeholders may be anything.
  [[nodiscard]] bool is_named(std::string_view name) const;
  [[nodiscard]] const std::string& api_version() const { return api_version_; }
  // What stands beside `properties` (location, tags, …), evaluated; null when absent.
  [[nodiscard]] const JsonValue* beside_properties(std::string_view name) const;
  [[nodiscard]] const std::vector<std::string>& without_effect() const { return without_effect_; }

 private:
  void read_collection(std::string_view name, const JsonValue& raw, const GatewayBody& body);
  ProblemList& problems_;
  std::map<std::string, std::vector<Item>, std::less<>> collections_;
  std::map<std::string, Item, std::less<>> singles_;
  std::map<std::string, Item, std::less<>> holders_;
  std::set<std::string, std::less<>> incomplete_;
  std::vector<std::string> without_effect_;
  std::string api_version_;
  std::vector<GatewayBody> bodies_;
  std::vector<std::string> names_;  // of the bodies that have one
};

}  // namespace passerelle::arm
