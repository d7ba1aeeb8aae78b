#include "admin/arm_answers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "arm/json_reader.h"
#include "arm/tls_policies.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "control/configuration.h"
#include "model/rewrite.h"

namespace passerelle::admin {
namespace {

using namespace std::string_view_literals;

// What a rewrite may set; Azure's portal offers these, and takes any other name too.
constexpr std::array request_headers = {"Accept"sv,
                                        "Accept-Charset"sv,
                                        "Accept-Encoding"sv,
                                        "Accept-Language"sv,
                                        "Authorization"sv,
                                        "Cache-Control"sv,
                                        "Content-Length"sv,
                                        "Content-MD5"sv,
                                        "Content-Type"sv,
                                        "Cookie"sv,
                                        "Date"sv,
                                        "Expect"sv,
                                        "Forwarded"sv,
                                        "From"sv,
                                        "Host"sv,
                                        "If-Match"sv,
                                        "If-Modified-Since"sv,
                                        "If-None-Match"sv,
                                        "If-Range"sv,
                                        "If-Unmodified-Since"sv,
                                        "Max-Forwards"sv,
                                        "Origin"sv,
                                        "Pragma"sv,
                                        "Proxy-Authorization"sv,
                                        "Range"sv,
                                        "Referer"sv,
                                        "TE"sv,
                                        "Upgrade"sv,
                                        "User-Agent"sv,
                                        "Via"sv,
                                        "Warning"sv,
                                        "X-Forwarded-For"sv,
                                        "X-Forwarded-Host"sv,
                                        "X-Forwarded-Proto"sv,
                                        "X-Requested-With"sv};
constexpr std::array response_headers = {"Access-Control-Allow-Credentials"sv,
                                         "Access-Control-Allow-Headers"sv,
                                         "Access-Control-Allow-Methods"sv,
                                         "Access-Control-Allow-Origin"sv,
                                         "Access-Control-Expose-Headers"sv,
                                         "Access-Control-Max-Age"sv,
                                         "Age"sv,
                                         "Allow"sv,
                                         "Cache-Control"sv,
                                         "Content-Disposition"sv,
                                         "Content-Encoding"sv,
                                         "Content-Language"sv,
                                         "Content-Location"sv,
                                         "Content-Range"sv,
                                         "Content-Security-Policy"sv,
                                         "Content-Type"sv,
                                         "Date"sv,
                                         "ETag"sv,
                                         "Expires"sv,
                                         "Last-Modified"sv,
                                         "Link"sv,
                                         "Location"sv,
                                         "Pragma"sv,
                                         "Refresh"sv,
                                         "Retry-After"sv,
                                         "Server"sv,
                                         "Set-Cookie"sv,
                                         "Strict-Transport-Security"sv,
                                         "Vary"sv,
                                         "Via"sv,
                                         "WWW-Authenticate"sv,
                                         "Warning"sv,
                                         "X-Content-Type-Options"sv,
                                         "X-Frame-Options"sv,
                                         "X-Powered-By"sv,
                                         "X-XSS-Protection"sv};

template <class List>
std::string array_of(const List& list) {
  std::string out;
  JsonWriter json(out);
  json.begin_array();
  for (const std::string_view each : list) json.string(each);
  json.end_array();
  return out;
}

void write_problem(JsonWriter& json, const Problem& problem) {
  // What stands in the local file is no fault of the request's.
  const bool elsewhere = !problem.where.file.empty() && problem.where.file != "command line" &&
                         !problem.where.file.ends_with(control::kept_document);
  json.begin_object().member("code", problem.code);
  json.member("message",
              elsewhere ? fmt::format("{}:{}: {}", problem.where.file, problem.where.line, problem.message)
                        : problem.message);
  if (!problem.path.empty()) json.member("target", problem.path);
}

std::string options_id(const ArmRoute& route) {
  return fmt::format(
      "/subscriptions/{}/resourceGroups//providers/Microsoft.Network/ApplicationGatewayAvailableSslOptions/"
      "default",
      route.id.subscription);
}

std::string policy_id(const ArmRoute& route, std::string_view policy) {
  return fmt::format("{}/ApplicationGatewaySslPredefinedPolicy/{}", options_id(route), policy);
}

// As templates write them.
std::string_view version_name(model::TlsVersion version) {
  static constexpr std::array names = {"TLSv1_0"sv, "TLSv1_1"sv, "TLSv1_2"sv, "TLSv1_3"sv};
  return names[static_cast<std::size_t>(version)];
}

void write_policy(JsonWriter& json, const ArmRoute& route, const arm::PredefinedTlsPolicy& policy) {
  json.begin_object().member("name", policy.name).member("id", policy_id(route, policy.name));
  json.key("properties").begin_object().key("cipherSuites").begin_array();
  for (const std::string_view suite : policy.suites) json.string(suite);
  json.end_array().member("minProtocolVersion", version_name(policy.lowest)).end_object().end_object();
}

http::Response ssl_options(const ArmRoute& route) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("name", "default").member("id", options_id(route));
  json.member("type", "Microsoft.Network/ApplicationGatewayAvailableSslOptions");
  json.key("properties").begin_object().key("predefinedPolicies").begin_array();
  for (const auto& policy : arm::predefined_tls_policies())
    json.begin_object().member("id", policy_id(route, policy.name)).end_object();
  json.end_array()
      .member("defaultPolicy", arm::default_tls_policy({}))
      .key("availableCipherSuites")
      .begin_array();
  for (const std::string_view suite : arm::tls13_cipher_suites()) json.string(suite);
  for (const auto& suite : arm::cipher_suites()) json.string(suite.name);
  json.end_array().key("availableProtocols").begin_array();
  for (const auto version :
       {model::TlsVersion::v1_0, model::TlsVersion::v1_1, model::TlsVersion::v1_2, model::TlsVersion::v1_3})
    json.string(version_name(version));
  json.end_array().end_object().end_object();
  return json_answer(200, std::move(out));
}

http::Response ssl_policies(const ArmRoute& route) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("value").begin_array();
  for (const auto& policy : arm::predefined_tls_policies()) write_policy(json, route, policy);
  json.end_array().end_object();
  return json_answer(200, std::move(out));
}

http::Response ssl_policy(const ArmRoute& route) {
  const auto* policy = arm::find_tls_policy(route.item);
  if (policy == nullptr)
    return error_answer(
        404, error_object("ResourceNotFound", fmt::format("there is no predefined policy '{}'", route.item)));
  std::string out;
  JsonWriter json(out);
  write_policy(json, route, *policy);
  return json_answer(200, std::move(out));
}

// Elements of the resource as a GET answers it, by lowered id: what $expand puts in place of a reference.
class Elements {
 public:
  explicit Elements(const HealthScope& scope) : resource_id_(scope.resource_id) {
    if (scope.expand.empty()) return;
    arm::ProblemList quiet({});
    const auto root = arm::read_json(scope.answered, 0, quiet);
    const auto* properties = root ? root->find("properties") : nullptr;
    if (properties == nullptr) return;
    const std::string expand = lowered(scope.expand);
    for (const auto& [word, collection] :
         {std::pair("backendaddresspool"sv, "backendAddressPools"sv),
          std::pair("backendhttpsettings"sv, "backendHttpSettingsCollection"sv)}) {
      const auto* list = properties->find(collection);
      if (list == nullptr || expand.find(word) == std::string::npos) continue;
      for (const auto& item : list->items) {
        if (const auto* id = item.find("id")) texts_[lowered(id->text)] = arm::to_json(item);
      }
    }
  }

  void write(JsonWriter& json, std::string_view collection, std::string_view name) const {
    const std::string id = fmt::format("{}/{}/{}", resource_id_, collection, name);
    if (const auto found = texts_.find(lowered(id)); found != texts_.end())
      json.raw(found->second);
    else
      json.begin_object().member("id", id).end_object();
  }

 private:
  std::string_view resource_id_;
  std::map<std::string, std::string> texts_;
};

// Azure: healthProbeLog, in our own words.
std::string probe_log(const board::ProbeReport& report) {
  if (report.when == WallTime{}) return {};
  if (report.success) return fmt::format("Success: {}", report.received);
  return fmt::format("{} Sent: {} Expected: {}{}{}", report.received, report.sent, report.expected,
                     report.hint.empty() ? "" : " Hint: ", report.hint);
}

void write_server(JsonWriter& json, std::string_view address, std::string_view health,
                  const board::ProbeReport& report) {
  json.begin_object().member("address", address).member("health", health);
  if (const std::string log = probe_log(report); !log.empty()) json.member("healthProbeLog", log);
  json.end_object();
}

}  // namespace

std::string error_object(std::string_view code, std::string_view message) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().member("code", code).member("message", message);
  json.key("details").begin_array().end_array().end_object();
  return out;
}

std::string error_object(const Problems& problems) {
  std::string out;
  JsonWriter json(out);
  const auto is_error = [](const Problem& problem) { return problem.severity == Severity::error; };
  const auto first = std::ranges::find_if(problems, is_error);
  if (first == problems.end()) return error_object("InternalServerError", "there is nothing to say about it");
  write_problem(json, *first);
  json.key("details").begin_array();
  for (const Problem& problem : problems) {
    if (!is_error(problem)) continue;
    write_problem(json, problem);
    json.end_object();
  }
  json.end_array().end_object();
  return out;
}

http::Response json_answer(int status, std::string body) {
  return {status, "application/json; charset=utf-8", std::move(body), {}};
}

http::Response error_answer(int status, std::string_view object) {
  return json_answer(status, fmt::format("{{\"error\":{}}}\n", object));
}

std::string backend_health(const model::Gateway& gateway, const std::vector<board::Group>& groups,
                           const HealthScope& scope) {
  const Elements elements(scope);
  std::map<std::string, std::vector<std::size_t>> by_pool;
  for (std::size_t i = 0; i < groups.size(); ++i) by_pool[gateway.groups[i].pool].push_back(i);
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("backendAddressPools").begin_array();
  for (const auto& [pool, indexes] : by_pool) {
    json.begin_object().key("backendAddressPool");
    elements.write(json, "backendAddressPools", pool);
    json.key("backendHttpSettingsCollection").begin_array();
    for (const std::size_t i : indexes) {
      json.begin_object().key("backendHttpSettings");
      elements.write(json, "backendHttpSettingsCollection", gateway.groups[i].settings_name);
      json.key("servers").begin_array();
      for (const auto& member : groups[i].members)
        write_server(json, member->name, to_string(member->standing()), member->report());
      for (const auto& leaving : groups[i].leaving)
        write_server(json, leaving.member->name, "Draining", leaving.member->report());
      json.end_array().end_object();
    }
    json.end_array().end_object();
  }
  json.end_array().end_object();
  return out;
}

std::string backend_health_on_demand(const model::BackendGroup& group,
                                     const std::vector<ProbedMember>& members, const HealthScope& scope) {
  const Elements elements(scope);
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("backendAddressPool");
  elements.write(json, "backendAddressPools", group.pool);
  json.key("backendHealthHttpSettings").begin_object().key("backendHttpSettings");
  elements.write(json, "backendHttpSettingsCollection", group.settings_name);
  json.key("servers").begin_array();
  for (const ProbedMember& member : members)
    write_server(json, member.name, member.report.success ? "Up" : "Down", member.report);
  json.end_array().end_object().end_object();
  return out;
}

std::optional<http::Response> list_of(const ArmRoute& route) {
  switch (route.kind) {
    case ArmKind::server_variables: return json_answer(200, array_of(model::server_variable_names()));
    case ArmKind::request_headers: return json_answer(200, array_of(request_headers));
    case ArmKind::response_headers: return json_answer(200, array_of(response_headers));
    case ArmKind::ssl_options: return ssl_options(route);
    case ArmKind::ssl_policies: return ssl_policies(route);
    case ArmKind::ssl_policy: return ssl_policy(route);
    // Nothing here inspects requests, and nothing is private.
    case ArmKind::waf_rule_sets:
    case ArmKind::waf_manifests:
    case ArmKind::private_link_resources:
    case ArmKind::private_endpoint_connections: return json_answer(200, R"({"value":[]})");
    default: return std::nullopt;
  }
}

}  // namespace passerelle::admin
