#include "arm/load.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <deque>

#include "arm/compile.h"
#include "arm/inventory.h"
#include "arm/json_reader.h"
#include "arm/language/evaluator.h"
#include "arm/language/values.h"
#include "arm/print.h"
#include "arm/resource.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

class Loader {
 public:
  explicit Loader(const LoadInput& input) : input_(input), problems_(source_names(input)) {}

  Loaded load() {
    read_parameters();
    const LocalFile local = read_local();
    read_templates(local);
    auto gateway = std::make_unique<model::Gateway>();
    std::string printed, document;
    if (!bodies_.empty()) {
      Resource resource(problems_);
      for (const GatewayBody& body : bodies_) resource.merge(body);
      gateway->name = bodies_.back().name;
      gateway->resource_id = fmt::format(
          "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.Network/applicationGateways/{}",
          input_.scope.subscription, input_.scope.resource_group, gateway->name);
      std::map<const Item*, std::optional<model::BackendSettings>> settings_read;
      std::set<const Item*> probes_read;
      compile(Compilation{resource, local, problems_, *gateway, settings_read, probes_read});
      if (input_.print) {
        printed = print_resource(resource, *gateway, problems_);
        document = print_resource(resource, *gateway, problems_, Secrets::shown);
      }
    }
    Loaded out;
    out.problems = problems_.take();
    out.certificates = gateway->certificates;
    out.trusted_certificates = gateway->trusted_certificates;
    out.printed = std::move(printed);
    out.document = std::move(document);
    if (!has_errors(out.problems)) out.gateway = std::move(gateway);
    return out;
  }

  Inventory inventory() {
    read_parameters();
    LocalFile local = read_local();
    // What the local file will give is not evaluated: what is still unanswered then is what it has to answer.
    local.certificates.add("*", LocalCertificate{true, {}, {}, {}, {}}, {});
    local.backend_pools.add("*", {}, {});
    local.ignore_waf = true;
    read_templates(local);
    Resource resource(problems_);
    for (const GatewayBody& body : bodies_) resource.merge(body);
    model::Gateway scratch;
    std::map<const Item*, std::optional<model::BackendSettings>> settings_read;
    std::set<const Item*> probes_read;
    if (!bodies_.empty())
      compile(Compilation{resource, local, problems_, scratch, settings_read, probes_read});
    Inventory out;
    out.problems = problems_.take();
    for (const Item& item : resource.collection("frontendIPConfigurations"))
      out.frontends.push_back(item.name);
    for (const Item& item : resource.collection("frontendPorts")) {
      const auto number = PropertyReader(item, problems_).number("port", 1, 65535);
      if (number) out.ports.push_back({item.name, static_cast<std::uint16_t>(*number)});
    }
    for (const Item& item : resource.collection("sslCertificates")) out.certificates.push_back(item.name);
    for (const std::string_view name :
         {"trustedClientCertificates", "trustedRootCertificates", "authenticationCertificates"}) {
      for (const Item& item : resource.collection(name)) out.trusted.push_back(item.name);
    }
    for (const Item& item : resource.collection("backendAddressPools")) {
      const bool https = std::ranges::any_of(scratch.groups, [&](const model::BackendGroup& group) {
        return group.pool == item.name && group.settings.https;
      });
      out.pools.push_back({item.name, https, member_names(item)});
    }
    out.references = evaluator_->unanswered();
    std::set<int> pages;
    for (const model::ErrorPage& page : scratch.error_pages) pages.insert(page.status);
    for (const model::Listener& listener : scratch.listeners) {
      for (const model::ErrorPage& page : listener.error_pages) pages.insert(page.status);
    }
    out.error_pages.assign(pages.begin(), pages.end());
    out.affinity = std::ranges::any_of(
        scratch.groups, [](const auto& group) { return !group.settings.affinity_cookie.empty(); });
    out.waf = resource.single("webApplicationFirewallConfiguration") != nullptr ||
              resource.single("firewallPolicy") != nullptr;
    return out;
  }

 private:
  // Empty where one of them cannot be known here: then the whole pool is given.
  static std::vector<std::string> member_names(const Item& pool) {
    std::vector<std::string> out;
    const JsonValue* raw = pool.properties->find("backendAddresses");
    const JsonValue* addresses = raw != nullptr ? pool.evaluator->try_resolve_all(*raw) : nullptr;
    if (addresses == nullptr) return out;
    for (const JsonValue& address : addresses->items) {
      for (const JsonMember& member : address.members) {
        if (member.value.is_string() && !member.value.text.empty()) out.push_back(member.value.text);
      }
    }
    return out;
  }

  // Positions count files in this order: templates, parameter files, the local file, the command line.
  static std::vector<std::string> source_names(const LoadInput& input) {
    std::vector<std::string> names;
    for (const Source& source : input.templates) names.push_back(source.name);
    for (const Source& source : input.parameter_files) names.push_back(source.name);
    names.push_back(input.local ? input.local->name : "");
    names.emplace_back("command line");
    return names;
  }
  std::uint32_t file_of_parameters(std::size_t i) const {
    return static_cast<std::uint32_t>(input_.templates.size() + i);
  }
  std::uint32_t file_of_local() const { return file_of_parameters(input_.parameter_files.size()); }
  Position command_line() const { return {file_of_local() + 1, 0, 0}; }

  JsonValue* read(const std::string& text, std::uint32_t file, const JsonLimits& limits = {}) {
    auto value = read_json(text, file, problems_, limits);
    if (!value) return nullptr;
    documents_.push_back(std::move(*value));
    return &documents_.back();
  }

  void read_parameters() {
    for (std::size_t i = 0; i < input_.parameter_files.size(); ++i) {
      const JsonValue* root = read(input_.parameter_files[i].text, file_of_parameters(i));
      if (root == nullptr) continue;
      const JsonValue* list = root->find("parameters");
      for (const JsonMember& member : (list != nullptr ? list : root)->members) {
        if (member.value.find("value") != nullptr || member.value.find("reference") != nullptr)
          given_.push_back({member.key, member.key_where, member.value});
      }
    }
    for (const auto& [name, text] : input_.parameters) {
      ProblemList quiet({});
      auto value = read_json(text, 0, quiet, {.strict = true});
      if (!value) value = make_text(text);
      JsonValue wrapper = make_object();
      add_member(wrapper, "value", std::move(*value));
      add_member(wrapper, "text", text);  // as given, for parameters that are strings
      stamp(wrapper, command_line());
      given_.push_back({name, command_line(), std::move(wrapper)});
    }
  }

  static void stamp(JsonValue& value, Position where) {
    value.where = where;
    for (auto& item : value.items) stamp(item, where);
    for (auto& member : value.members) stamp(member.value, where);
  }

  // A name that no template declares is a slip of the pen.
  void check_parameter_names() {
    std::vector<std::string_view> declared;
    for (const Deployment* deployment : roots_) {
      const JsonValue* list = deployment->root->find("parameters");
      if (list == nullptr) return;  // a resource or a fragment: whatever it asks for
      for (const JsonMember& member : list->members) declared.push_back(member.key);
    }
    for (const JsonMember& given : given_) {
      if (std::ranges::any_of(declared,
                              [&](std::string_view name) { return equals_ignoring_case(name, given.key); }))
        continue;
      const auto near = nearest_word(given.key, declared);
      problems_.error(given.key_where, "InvalidTemplate",
                      fmt::format("the template has no parameter '{}'{}", given.key,
                                  near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
    }
  }

  LocalFile read_local() {
    LocalFile local;
    if (input_.local) {
      if (const JsonValue* root =
              read(input_.local->text, file_of_local(), {.trailing_commas_are_fine = true}))
        local = read_local_file(*root, input_.environment, problems_);
    }
    LocalFile out = local;
    // The command line wins: entries found first are exact names, so put its own before the file's.
    out.frontend_ips = {};
    out.frontend_ports = {};
    for (const auto& [name, address] : input_.binds) {
      if (IpAddress::parse(address))
        out.frontend_ips.add(name, address, command_line());
      else
        problems_.error(command_line(), "InvalidBind",
                        fmt::format("--bind {}={}: '{}' is not an IP address", name, address, address));
    }
    for (const auto& [name, port] : input_.ports) {
      const auto number = parse_decimal<std::uint16_t>(port);
      if (number)
        out.frontend_ports.add(name, *number, command_line());
      else
        problems_.error(command_line(), "InvalidPort",
                        fmt::format("--port {}={}: '{}' is not a port from 0 to 65535", name, port, port));
    }
    for (const auto& entry : local.frontend_ips.entries())
      out.frontend_ips.add(entry.pattern, entry.value, entry.where);
    for (const auto& entry : local.frontend_ports.entries())
      out.frontend_ports.add(entry.pattern, entry.value, entry.where);
    return out;
  }

  void read_templates(const LocalFile& local) {
    evaluator_.emplace(local.references, problems_);
    for (std::size_t i = 0; i < input_.templates.size(); ++i) {
      JsonValue* root = read(input_.templates[i].text, static_cast<std::uint32_t>(i));
      if (root == nullptr) continue;
      Deployment& deployment = evaluator_->deploy(*root, deployment_name(input_.templates[i].name),
                                                  input_.scope, input_.templates[i].literal);
      for (const JsonMember& given : given_) deployment.given[lowered(given.key)] = &given.value;
      roots_.push_back(&deployment);
      choose(find_gateways(deployment, *evaluator_, problems_), *root);
    }
    if (!roots_.empty()) check_parameter_names();
  }

  // As `az` names a deployment: by its file.
  static std::string deployment_name(std::string_view path) {
    path.remove_prefix(path.rfind('/') + 1);
    return std::string(path.substr(0, path.find('.')));
  }

  // One gateway a document: the only one, or the one --gateway names.
  void choose(const std::vector<GatewayBody>& found, const JsonValue& root) {
    if (found.empty()) return;
    if (found.size() == 1 && (input_.gateway.empty() || input_.templates.size() > 1))
      return bodies_.push_back(found.front());
    std::vector<std::string> names;
    for (const GatewayBody& body : found) {
      if (equals_ignoring_case(body.name, input_.gateway)) return bodies_.push_back(body);
      names.push_back(body.name);
    }
    if (input_.gateway.empty()) {
      problems_.error(root.where, "SeveralApplicationGateways",
                      fmt::format("the template holds the gateways {}; choose one with --gateway NAME",
                                  fmt::join(names, ", ")));
    } else {
      problems_.error(root.where, "NoApplicationGateway",
                      fmt::format("no gateway is named '{}'; the template holds {}", input_.gateway,
                                  fmt::join(names, ", ")));
    }
  }

  void compile(const Compilation& c) {
    compile_certificates(c);
    compile_trusted_certificates(c);
    compile_tls_policies(c);
    compile_listeners(c);
    compile_error_pages(c);
    compile_rewrites(c);
    compile_redirects(c);
    compile_rules(c);
    order_listeners(c);
    model::build_indexes(c.gateway);
    lint(c);
    check_local_names(c);
    check_unused_backends(c);
    compile_options(c);
    const bool whole =
        std::ranges::all_of(bodies_, [](const GatewayBody& body) { return body.properties != nullptr; });
    if (whole && c.resource.collection("httpListeners").empty() &&
        !c.resource.is_incomplete("httpListeners")) {
      problems_.error(bodies_.front().properties != nullptr ? bodies_.front().properties->where : Position{},
                      "NoHttpListeners",
                      "the gateway has no httpListeners; add the collection, or a second file that holds it");
    }
    for (const model::Listener& listener : c.gateway.listeners) {
      if (listener.rule || c.resource.is_incomplete("requestRoutingRules") ||
          c.resource.collection("requestRoutingRules").size() != c.gateway.rules.size())
        continue;
      const auto& items = c.resource.collection("httpListeners");
      const auto item = std::ranges::find(items, listener.name, &Item::name);
      problems_.error(
          item->where, "ApplicationGatewayHttpListenerNotReferencedByRule",
          fmt::format(
              "no rule is bound to the listener '{}'; add one to requestRoutingRules, or remove the listener",
              listener.name),
          item->path);
    }
  }

  const LoadInput& input_;
  ProblemList problems_;
  std::deque<JsonValue> documents_;
  std::optional<Evaluator> evaluator_;
  std::vector<Deployment*> roots_;
  std::vector<JsonMember> given_;
  std::vector<GatewayBody> bodies_;
};

}  // namespace

Loaded load(const LoadInput& input) { return Loader(input).load(); }

Inventory take_inventory(const LoadInput& input) { return Loader(input).inventory(); }

}  // namespace passerelle::arm
