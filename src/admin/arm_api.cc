#include "admin/arm_api.h"

#include <fmt/format.h>

#include <algorithm>

#include "admin/arm_answers.h"
#include "admin/probe_request.h"
#include "arm/answer.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "protocol/url.h"
#include "telemetry/event_log.h"

namespace passerelle::admin {
namespace {

// What is asked for is done in milliseconds; clients that read 0 take it for "not said", and wait half a
// minute.
constexpr std::string_view retry_after_seconds = "1";
// Of what is not asked for with one.
constexpr std::string_view own_api_version = "2024-01-01";
constexpr std::string_view another_gateway = "OneApplicationGateway";
constexpr std::string_view default_location = "westeurope";

http::Response not_found(const arm::GatewayId& id) {
  return error_answer(
      404,
      error_object("ResourceNotFound",
                   fmt::format("The resource 'Microsoft.Network/applicationGateways/{}' under resource group "
                               "'{}' was not found.",
                               id.name, id.resource_group)));
}

http::Response bad_request(std::string_view code, std::string_view message) {
  return error_answer(400, error_object(code, message));
}

// RFC 9110 section 13.1.1: the strong comparison knows no weak tag; Azure's tags are all weak, and clients
// send back what they got.
bool lists_etag(std::string_view list, std::string_view etag) {
  bool found = false;
  for_each_element(list, [&](std::string_view each) { found = found || each == "*" || each == etag; });
  return found;
}

}  // namespace

std::string ArmApi::Call::base() const {
  return fmt::format("{}://{}", request.secure ? "https" : "http",
                     request.target.authority.empty() ? "localhost" : request.target.authority);
}

io::Task<> ArmApi::stop() {
  tasks_.stop();
  co_await tasks_.join();
}

io::Task<http::Response> ArmApi::answer(const http::Request& request) {
  const auto route = ArmRoute::parse(request.target.path);
  http::Response out;
  if (!route) {
    out = error_answer(404, error_object("InvalidResourceType",
                                         "there is no such resource here: this is a gateway, which has "
                                         "Microsoft.Network/applicationGateways"));
  } else {
    const Call call{request, *route, query_parameter(request.target.query, "api-version")};
    if (call.api_version.empty())
      out = bad_request("MissingApiVersionParameter",
                        "The api-version query parameter (?api-version=) is required for all requests.");
    else if (!is_api_version(call.api_version))
      out = bad_request("InvalidApiVersionParameter",
                        fmt::format("the api-version '{}' is no date such as 2024-01-01", call.api_version));
    else
      out = co_await answer(call);
  }
  out.fields.emplace_back("x-ms-request-id", make_guid(random_));
  co_return out;
}

io::Task<http::Response> ArmApi::answer(const Call& call) {
  if (call.route.kind == ArmKind::gateway) co_return co_await answer_gateway(call);
  if (call.request.head.method() != call.route.method()) {
    auto refused = error_answer(
        405, error_object("MethodNotAllowed", fmt::format("this is asked for with {}", call.route.method())));
    refused.fields.emplace_back("Allow", call.route.method());
    co_return refused;
  }
  const bool of_gateway = !call.route.id.name.empty();
  if (of_gateway && !is_here(call.route)) co_return not_found(call.route.id);
  switch (call.route.kind) {
    case ArmKind::start: co_return set_stopped(call, false);
    case ArmKind::stop: co_return set_stopped(call, true);
    case ArmKind::backend_health: co_return health(call);
    case ArmKind::backend_health_on_demand: co_return co_await health_on_demand(call);
    case ArmKind::gateways_of_group:
    case ArmKind::gateways_of_subscription: co_return list(call);
    case ArmKind::operation_status:
    case ArmKind::operation_result: co_return operation(call);
    default: co_return list_of(call.route).value_or(not_found(call.route.id));
  }
}

io::Task<http::Response> ArmApi::answer_gateway(const Call& call) {
  const auto method = call.request.head.method();
  if (method == "GET" || method == "HEAD") {
    if (!is_here(call.route)) co_return not_found(call.route.id);
    co_return json_answer(200, shown(latest(), provisioning_state()));
  }
  if (method == "PUT") co_return put(call);
  if (method == "PATCH") co_return patch(call);
  if (method == "DELETE") co_return remove(call);
  auto refused =
      error_answer(405, error_object("MethodNotAllowed", "a gateway knows GET, PUT, PATCH and DELETE"));
  refused.fields.emplace_back("Allow", "GET, HEAD, PUT, PATCH, DELETE");
  co_return refused;
}

const control::Applied& ArmApi::latest() const {
  return change_ ? change_->candidate.applied : configuration_.applied();
}

bool ArmApi::is_here(const ArmRoute& route) const { return latest().exists() && latest().id.is(route.id); }

std::string_view ArmApi::provisioning_state() const {
  return change_ ? change_->provisioning : last_failed_ ? "Failed" : "Succeeded";
}

std::string ArmApi::shown(const control::Applied& applied, std::string_view provisioning) const {
  const std::string id = applied.id.to_string();
  return arm::as_azure_answers(applied.printed, {.resource_id = id,
                                                 .location = default_location,
                                                 .provisioning_state = provisioning,
                                                 .operational_state = applied.stopped ? "Stopped" : "Running",
                                                 .public_certificates = &applied.public_certificates});
}

std::optional<http::Response> ArmApi::refused_change(const Call& call) const {
  // A change that this process makes and the next one does not know would be lost.
  if (const std::string why = observed_.why_unchangeable(); !why.empty()) {
    auto busy = error_answer(503, error_object("ServerBusy", why + ": try again in a moment"));
    busy.fields.emplace_back("Retry-After", retry_after_seconds);
    return busy;
  }
  if (!configuration_.is_kept())
    return error_answer(
        409, error_object(
                 "ScopeLocked",
                 "this gateway's configuration is that of the templates on its command line: change those "
                 "and send it SIGHUP, or start it with --state DIR and no template"));
  const control::Applied& now = latest();
  const auto match = call.request.head.find("If-Match");
  const auto none_match = call.request.head.find("If-None-Match");
  const bool here = now.exists() && now.id.is(call.route.id);
  const std::string etag = here ? arm::etag_of(shown(now, "Succeeded")) : std::string();
  if ((match && (!here || !lists_etag(*match, etag))) ||
      (none_match && here && lists_etag(*none_match, etag)))
    return error_answer(412,
                        error_object("PreconditionFailed",
                                     "the gateway is not what the request expects it to be: read it again"));
  return std::nullopt;
}

http::Response ArmApi::put(const Call& call) {
  if (auto refused = refused_name(call)) return std::move(*refused);
  if (auto refused = refused_change(call)) return std::move(*refused);
  const auto document =
      arm::document_of({call.request.body, call.route.id, call.api_version, latest().document});
  if (!document) return bad_request("InvalidRequestContent", document.error());
  return replace(call, *document);
}

std::optional<Problem> ArmApi::refused_id(const arm::GatewayId& id) const {
  const auto refused = [](std::string_view code, std::string message) {
    return Problem{{}, Severity::error, std::string(code), std::move(message), {}};
  };
  for (const std::string& word : {id.subscription, id.resource_group}) {
    if (!is_scope_name(word))
      return refused("InvalidResourceGroup",
                     "a subscription and a resource group have 1 to 90 letters, digits, '_', '.', '-', '(' "
                     "and ')', and no '.' at the end");
  }
  if (!is_gateway_name(id.name))
    return refused(
        "InvalidResourceName",
        fmt::format("'{}' is no name of a gateway: 1 to 80 letters, digits, '_', '.' and '-'", id.name));
  const control::Applied& now = latest();
  if (!configuration_.is_kept() || !now.exists() || now.id.is(id)) return std::nullopt;
  return refused(
      another_gateway,
      fmt::format("this process carries the gateway {}; delete that first, or run another with its "
                  "own --state",
                  now.id.to_string()));
}

std::optional<http::Response> ArmApi::refused_name(const Call& call) const {
  const auto refused = refused_id(call.route.id);
  if (!refused) return std::nullopt;
  return error_answer(refused->code == another_gateway ? 409 : 400,
                      error_object(refused->code, refused->message));
}

std::optional<Problem> ArmApi::refused_name(const model::Gateway& evaluated) const {
  return configuration_.is_kept() ? refused_id(id_of(evaluated)) : std::nullopt;
}

// A template says a name, or not even that; where it is deployed to, it does not say.
arm::GatewayId ArmApi::id_of(const model::Gateway& evaluated) const {
  const control::Applied& now = latest();
  if (now.exists() &&
      (evaluated.name == arm::unnamed_gateway || equals_ignoring_case(now.id.name, evaluated.name)))
    return now.id;
  return arm::GatewayId::parse(evaluated.resource_id)
      .value_or(arm::GatewayId{"subscription", "group", evaluated.name});
}

http::Response ArmApi::put(const http::Request& request, const arm::Loaded& evaluated) {
  const Call call{request,
                  {.kind = ArmKind::gateway, .id = id_of(*evaluated.gateway), .item = {}},
                  std::string(own_api_version)};
  if (auto refused = refused_name(call)) return std::move(*refused);
  if (auto refused = refused_change(call)) return std::move(*refused);
  return replace(call, evaluated.document);
}

http::Response ArmApi::replace(const Call& call, const std::string& document) {
  auto candidate = configuration_.consider(document, call.route.id, false);
  if (!candidate.gateway) return error_answer(400, error_object(candidate.problems));
  const bool created = !latest().exists();
  auto answer = json_answer(created ? 201 : 200, shown(candidate.applied, "Updating"));
  return accept(call, {{}, std::move(candidate), "PUT", "Updating", {}, {200, {}, {}, {}}},
                std::move(answer));
}

// Azure answers at once: nothing is carried otherwise.
http::Response ArmApi::patch(const Call& call) {
  if (!is_here(call.route)) return not_found(call.route.id);
  if (auto refused = refused_change(call)) return std::move(*refused);
  if (change_)
    return error_answer(409,
                        error_object("AnotherOperationInProgress", "another change is under way: try again"));
  const control::Applied& now = latest();
  const auto document = arm::with_tags(now.document, call.request.body);
  if (!document) return bad_request("InvalidRequestContent", document.error());
  auto candidate = configuration_.consider(*document, now.id, now.stopped);
  if (!candidate.gateway) return error_answer(400, error_object(candidate.problems));
  if (const Problems problems = configuration_.apply(std::move(candidate), "PATCH"); !problems.empty())
    return error_answer(500, error_object(problems));
  last_failed_ = false;
  return json_answer(200, shown(latest(), provisioning_state()));
}

http::Response ArmApi::remove(const Call& call) {
  if (!is_here(call.route)) return {204, {}, {}, {}};
  if (auto refused = refused_change(call)) return std::move(*refused);
  control::Candidate nothing;
  nothing.gateway = std::make_shared<model::Gateway>();
  return accept(call,
                {{}, std::move(nothing), "DELETE", "Deleting", "the gateway is deleted", {200, {}, {}, {}}},
                {202, {}, {}, {}});
}

http::Response ArmApi::set_stopped(const Call& call, bool stopped) {
  if (auto refused = refused_change(call)) return std::move(*refused);
  const control::Applied& now = latest();
  auto candidate = configuration_.consider(now.document, now.id, stopped);
  if (!candidate.gateway) return error_answer(400, error_object(candidate.problems));
  return accept(call,
                {{},
                 std::move(candidate),
                 stopped ? "stop" : "start",
                 "Updating",
                 stopped ? "the gateway is stopped" : "",
                 {200, {}, {}, {}}},
                {202, {}, {}, {}});
}

http::Response ArmApi::list(const Call& call) const {
  const control::Applied& now = latest();
  const bool in_group = call.route.kind == ArmKind::gateways_of_group;
  const bool here = now.exists() && equals_ignoring_case(now.id.subscription, call.route.id.subscription) &&
                    (!in_group || equals_ignoring_case(now.id.resource_group, call.route.id.resource_group));
  return json_answer(200, fmt::format("{{\"value\":[{}]}}\n", here ? shown(now, provisioning_state()) : ""));
}

http::Response ArmApi::health(const Call& call) {
  const std::string id = latest().id.to_string(), answered = shown(latest(), "Succeeded");
  Operation& operation = operations_.begin(engine_.wall());
  const std::string name = operation.id;
  operations_.end(
      name, Operation::State::succeeded,
      json_answer(200, backend_health(*observed_.gateway(), observed_.groups(),
                                      {id, answered, query_parameter(call.request.target.query, "$expand")})),
      {}, engine_.wall());
  return point_to(call, name, {202, {}, {}, {}}, true);
}

io::Task<http::Response> ArmApi::health_on_demand(const Call& call) {
  const auto gateway = observed_.gateway();
  auto wanted = read_probe_request(call.request.body, *gateway);
  if (!wanted) co_return bad_request("InvalidRequestContent", wanted.error());
  auto [group, probe] = std::move(*wanted);
  const std::string expand = query_parameter(call.request.target.query, "$expand");
  const std::string operation = operations_.begin(engine_.wall()).id;
  const auto ask = [](ArmApi& api, std::shared_ptr<const model::Gateway> of, model::Index index,
                      model::Probe what, std::string expanded, std::string name) -> io::Task<> {
    // As it is now: it may be gone by then.
    const std::string id = api.latest().id.to_string(), answered = api.shown(api.latest(), "Succeeded");
    const auto members = co_await api.observed_.probe_now(index, std::move(what));
    api.operations_.end(
        name, Operation::State::succeeded,
        json_answer(200, backend_health_on_demand(of->groups[index], members, {id, answered, expanded})), {},
        api.engine_.wall());
  };
  tasks_.spawn(ask(*this, gateway, group, std::move(probe), expand, operation));
  co_return point_to(call, operation, {202, {}, {}, {}}, true);
}

http::Response ArmApi::accept(const Call& call, Change change, http::Response answer) {
  const bool with_location = answer.status == 202;
  const std::string operation = operations_.begin(engine_.wall()).id;
  change.operation = operation;
  if (change_) {
    const std::string error =
        error_object("CanceledAndSupersededDueToAnotherOperation",
                     fmt::format("a later request ({}) took this one's place", change.why));
    operations_.end(change_->operation, Operation::State::canceled, error_answer(409, error), error,
                    engine_.wall());
  }
  const bool waiting = change_.has_value();
  change_ = std::move(change);
  if (!waiting) tasks_.spawn(make_change());
  return point_to(call, operation, std::move(answer), with_location);
}

http::Response ArmApi::point_to(const Call& call, const std::string& operation, http::Response answer,
                                bool with_location) {
  const auto url = [&](std::string_view collection) {
    return fmt::format("{}/subscriptions/{}/providers/Microsoft.Network/locations/{}/{}/{}?api-version={}",
                       call.base(), call.route.id.subscription, default_location, collection, operation,
                       call.api_version);
  };
  answer.fields.emplace_back("Azure-AsyncOperation", url("operations"));
  if (with_location) answer.fields.emplace_back("Location", url("operationResults"));
  answer.fields.emplace_back("Retry-After", retry_after_seconds);
  return answer;
}

// In a turn of its own: whoever asked has its answer first.
io::Task<> ArmApi::make_change() {
  co_await engine_.yield();
  // What was accepted is made, also where the process is about to end.
  Change change = std::move(*change_);
  change_.reset();
  const bool ends_tunnels = !change.tunnels_reason.empty();
  const Problems problems = configuration_.apply(std::move(change.candidate), change.why);
  last_failed_ = !problems.empty();
  if (last_failed_) {
    const std::string error = error_object(problems);
    operations_.end(change.operation, Operation::State::failed, error_answer(409, error), error,
                    engine_.wall());
    co_return;
  }
  if (ends_tunnels) observed_.end_tunnels(change.tunnels_reason);
  operations_.end(change.operation, Operation::State::succeeded, std::move(change.result), {},
                  engine_.wall());
}

http::Response ArmApi::operation(const Call& call) {
  const Operation* operation = operations_.find(call.route.item);
  if (operation == nullptr)
    return error_answer(
        404,
        error_object("OperationNotFound",
                     fmt::format("no operation '{}' is known: only the last {} are, and none from before a "
                                 "restart or an upgrade; read the resource",
                                 call.route.item, Operations::kept_max)));
  if (call.route.kind == ArmKind::operation_result) {
    if (operation->over()) return operation->result;
    return point_to(call, operation->id, {202, {}, {}, {}}, true);
  }
  std::string out;
  JsonWriter json(out);
  std::string began, ended;
  telemetry::append_time(began, operation->began);
  json.begin_object().member("id", call.request.target.path).member("name", operation->id);
  json.member("status", to_string(operation->state)).member("startTime", began);
  if (operation->over()) {
    telemetry::append_time(ended, operation->ended);
    json.member("endTime", ended);
  }
  if (!operation->error.empty()) json.key("error").raw(operation->error);
  json.end_object();
  http::Response answer = json_answer(200, std::move(out));
  if (!operation->over()) answer.fields.emplace_back("Retry-After", retry_after_seconds);
  return answer;
}

}  // namespace passerelle::admin
