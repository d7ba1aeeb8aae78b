// sslPolicy and sslProfiles[].
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "arm/compile.h"
#include "arm/tls_policies.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::string_view_literals;

// The strings of a list property; nothing where it is absent or wrong, which is said.
struct Written {
  std::string text;
  Position where;
};
std::optional<std::vector<Written>> strings_of(const PropertyReader& reader, std::string_view property) {
  const JsonValue* list = reader.value(property);
  if (list == nullptr) return std::nullopt;
  if (!list->is(JsonValue::Kind::array)) {
    reader.error(property, "InvalidRequestFormat",
                 fmt::format("a list of names was expected, not {}", kind_name(list->kind)));
    return std::nullopt;
  }
  std::vector<Written> out;
  for (const JsonValue& each : list->items) {
    const JsonValue* value = reader.item().evaluator->resolve(each);
    if (value == nullptr) return std::nullopt;
    if (!value->is_string()) {
      reader.error(property, "InvalidRequestFormat",
                   fmt::format("a name was expected, not {}", kind_name(value->kind)));
      return std::nullopt;
    }
    out.push_back({value->text, each.where});
  }
  return out;
}

// Reads one sslPolicy; whatever is wrong is said and the result is nothing.
class PolicyReader {
 public:
  PolicyReader(const Compilation& c, const Item& item) : c_(c), reader_(item, c.problems) {}

  std::optional<model::TlsPolicy> read() {
    policy_.origin = c_.problems.locate(reader_.item().where);
    const auto type = reader_.text("policyType");
    const auto name = reader_.text("policyName");
    const bool disables = reader_.value("disabledSslProtocols") != nullptr;
    if (type && disables && !reader_.value("disabledSslProtocols")->items.empty()) {
      reader_.error("disabledSslProtocols", "InvalidRequestFormat",
                    "disabledSslProtocols and policyType exclude each other; remove one");
      return std::nullopt;
    }
    bool good = !reader_.failed("policyType") && !reader_.failed("policyName");
    if (type && equals_ignoring_case(*type, "Custom"))
      good = read_custom(false) && good;
    else if (type && equals_ignoring_case(*type, "CustomV2"))
      good = read_custom(true) && good;
    else if (type && !equals_ignoring_case(*type, "Predefined"))
      good =
          refuse("policyType",
                 fmt::format("a policyType is \"Predefined\", \"Custom\" or \"CustomV2\", not '{}'", *type));
    else if (name && !name->empty())
      good = read_predefined(*name) && good;
    else if (type)
      good = refuse("policyName",
                    fmt::format("a Predefined policy has a policyName: one of {}", fmt::join(names(), ", ")));
    else
      good = read_predefined(default_tls_policy(c_.resource.api_version())) && good;
    if (good && disables) good = read_disabled();
    if (good) good = put_floor();
    if (good) tell_what_is_left_out();
    return good ? std::optional(std::move(policy_)) : std::nullopt;
  }

 private:
  bool refuse(std::string_view property, std::string message) const {
    reader_.error(property, "ApplicationGatewaySslPolicyInvalid", std::move(message));
    return false;
  }

  static std::vector<std::string_view> names() {
    std::vector<std::string_view> out;
    for (const auto& policy : predefined_tls_policies()) out.push_back(policy.name);
    return out;
  }

  bool read_predefined(std::string_view name) {
    const PredefinedTlsPolicy* known = find_tls_policy(name);
    if (known == nullptr) {
      const auto near = nearest_word(name, names());
      return refuse("policyName",
                    fmt::format("there is no policy '{}'; {}", name,
                                near.empty() ? fmt::format("there are {}", fmt::join(names(), ", "))
                                             : fmt::format("did you mean '{}'?", near)));
    }
    if (const JsonValue* suites = reader_.value("cipherSuites"); suites != nullptr && !suites->items.empty())
      return refuse("cipherSuites",
                    "a Predefined policy has its own suites; remove cipherSuites, or make it "
                    "\"policyType\": \"Custom\"");
    policy_.name = known->name;
    policy_.lowest = known->lowest;
    policy_.highest = known->highest;
    for (const std::string_view suite : known->suites) add_suite(suite, reader_.item().where);
    return true;
  }

  bool read_custom(bool second) {
    policy_.name = second ? "CustomV2" : "Custom";
    const auto lowest = reader_.text("minProtocolVersion");
    const auto version = parse_tls_version(lowest.value_or(second ? "TLSv1_2" : "TLSv1_0"));
    if (!version)
      return refuse(
          "minProtocolVersion",
          fmt::format("a minProtocolVersion is TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3, not '{}'", *lowest));
    policy_.lowest = *version;
    if (second && policy_.lowest < model::TlsVersion::v1_2)
      return refuse(
          "minProtocolVersion",
          fmt::format("CustomV2 begins with TLSv1_2; '{}' needs \"policyType\": \"Custom\"", *lowest));
    if (!second && policy_.lowest == model::TlsVersion::v1_3)
      return refuse("minProtocolVersion",
                    "a Custom policy ends with TLS 1.2; TLS 1.3 needs \"policyType\": "
                    "\"CustomV2\"");
    policy_.highest = second ? model::TlsVersion::v1_3 : model::TlsVersion::v1_2;
    if (second) policy_.suites_1_3.assign(tls13_cipher_suites().begin(), tls13_cipher_suites().end());
    const auto suites = strings_of(reader_, "cipherSuites");
    if (!suites && reader_.value("cipherSuites") != nullptr) return false;
    if (!suites || suites->empty()) {
      // With TLS 1.3 alone there is nothing to choose.
      if (policy_.lowest == model::TlsVersion::v1_3) return true;
      return refuse("cipherSuites", fmt::format("a {} policy names its cipherSuites, such as "
                                                "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\"",
                                                policy_.name));
    }
    bool good = true;
    for (const Written& suite : *suites) good = add_suite(suite.text, suite.where) && good;
    return good;
  }

  bool refuse_suite(const Position& where, std::string message) const {
    c_.problems.error(where, "ApplicationGatewaySslPolicyInvalid", std::move(message),
                      reader_.item().path + ".cipherSuites");
    return false;
  }

  bool add_suite(std::string_view name, const Position& where) {
    const auto is_it = [&](std::string_view other) { return equals_ignoring_case(other, name); };
    const auto newer = std::ranges::find_if(tls13_cipher_suites(), is_it);
    if (newer != tls13_cipher_suites().end()) {
      if (policy_.highest < model::TlsVersion::v1_3)
        return refuse_suite(where,
                            fmt::format("{} is of TLS 1.3, which needs \"policyType\": \"CustomV2\"", name));
      if (std::ranges::find(policy_.suites_1_3, *newer) == policy_.suites_1_3.end())
        policy_.suites_1_3.emplace_back(*newer);
      return true;
    }
    const CipherSuite* known = find_cipher_suite(name);
    if (known == nullptr) {
      std::vector<std::string_view> all;
      for (const CipherSuite& suite : cipher_suites()) all.push_back(suite.name);
      const auto near = nearest_word(name, all);
      return refuse_suite(where, fmt::format("there is no suite '{}'{}", name,
                                             near.empty() ? "; those of Azure's list are known, such as "
                                                            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
                                                          : fmt::format("; did you mean '{}'?", near)));
    }
    if (known->is_dhe)
      left_out_.emplace_back(known->name);
    else if (std::ranges::find(policy_.suites, known->openssl) == policy_.suites.end())
      policy_.suites.emplace_back(known->openssl);
    return true;
  }

  // The older way: what is not spoken.
  bool read_disabled() {
    const auto disabled = strings_of(reader_, "disabledSslProtocols");
    if (!disabled) return false;
    std::array<bool, 4> off{};
    for (const auto& [name, where] : *disabled) {
      const auto version = parse_tls_version(name);
      if (!version)
        return refuse("disabledSslProtocols",
                      fmt::format("a protocol is TLSv1_0, TLSv1_1, TLSv1_2 or TLSv1_3, not '{}'", name));
      off[static_cast<std::size_t>(*version)] = true;
    }
    const auto is_off = [&](model::TlsVersion version) { return off[static_cast<std::size_t>(version)]; };
    const auto next = [](model::TlsVersion version, int step) {
      return static_cast<model::TlsVersion>(static_cast<int>(version) + step);
    };
    while (is_off(policy_.lowest) && policy_.lowest < policy_.highest)
      policy_.lowest = next(policy_.lowest, 1);
    while (is_off(policy_.highest) && policy_.highest > policy_.lowest)
      policy_.highest = next(policy_.highest, -1);
    for (auto between = policy_.lowest; between < policy_.highest; between = next(between, 1)) {
      if (is_off(between))
        return refuse("disabledSslProtocols",
                      fmt::format("{} cannot be left out between others; disable what is older too",
                                  to_string(between)));
    }
    if (is_off(policy_.lowest))
      return refuse("disabledSslProtocols", "every protocol is disabled; leave one");
    return true;
  }

  bool put_floor() {
    const model::TlsVersion floor = c_.local.minimum_tls_version;
    if (policy_.highest < floor)
      return refuse(
          policy_.name.starts_with("Custom") ? "minProtocolVersion" : "policyName",
          fmt::format("the policy {} ends with {}, and nothing under {} is spoken here; raise it, or "
                      "allow less in the local file: \"minimumTlsVersion\": \"{}\"",
                      policy_.name, to_string(policy_.highest), to_string(floor),
                      to_string(policy_.highest).substr(4)));
    for (auto version = policy_.lowest; version < floor;
         version = static_cast<model::TlsVersion>(static_cast<int>(version) + 1))
      protocols_left_out_.push_back(to_string(version));
    policy_.lowest = std::max(policy_.lowest, floor);
    return true;
  }

  void tell_what_is_left_out() const {
    if (!protocols_left_out_.empty())
      c_.problems.warning(
          reader_.item().where, "TlsProtocolsLeftOut",
          fmt::format(
              "the policy {} allows {}, which is not spoken here (nor by Azure since August 2025); to "
              "allow it, write \"minimumTlsVersion\": \"{}\" in the local file",
              policy_.name, fmt::join(protocols_left_out_, " and "), protocols_left_out_.front().substr(4)),
          reader_.item().path);
    if (!left_out_.empty())
      c_.problems.warning(
          reader_.item().where, "TlsSuitesLeftOut",
          fmt::format("the policy {} names DHE suites, which Azure's v2 passes over as is done "
                      "here: {}",
                      policy_.name, fmt::join(left_out_, ", ")),
          reader_.item().path);
  }

  const Compilation& c_;
  const PropertyReader reader_;
  model::TlsPolicy policy_;
  std::vector<std::string_view> left_out_;
  std::vector<std::string_view> protocols_left_out_;
};

// What holds where nothing is written: nobody asked for its details, so nothing is said of them.
model::TlsPolicy default_policy(const Compilation& c) {
  const PredefinedTlsPolicy& known = *find_tls_policy(default_tls_policy(c.resource.api_version()));
  model::TlsPolicy out;
  out.name = known.name;
  out.lowest = std::max(known.lowest, c.local.minimum_tls_version);
  out.highest = std::max(known.highest, c.local.minimum_tls_version);
  for (const std::string_view name : known.suites) {
    const CipherSuite* suite = find_cipher_suite(name);
    if (suite == nullptr)
      out.suites_1_3.emplace_back(name);
    else if (!suite->is_dhe)
      out.suites.emplace_back(suite->openssl);
  }
  if (out.highest == model::TlsVersion::v1_3 && out.suites_1_3.empty())
    out.suites_1_3.assign(tls13_cipher_suites().begin(), tls13_cipher_suites().end());
  return out;
}

std::optional<model::ClientAuthentication> read_client_authentication(const Compilation& c,
                                                                      const PropertyReader& profile) {
  model::ClientAuthentication out;
  out.authorities = trusted_certificates_of(c, profile, "trustedClientCertificates");
  const auto written = profile.inner("clientAuthConfiguration");
  bool asks_revocation = false;
  if (written) {
    const PropertyReader inner(*written, c.problems);
    out.verify_issuer = inner.boolean("verifyClientCertIssuerDN").value_or(false);
    const auto revocation = inner.text("verifyClientRevocation").value_or("None");
    asks_revocation = equals_ignoring_case(revocation, "OCSP");
    if (!asks_revocation && !equals_ignoring_case(revocation, "None"))
      inner.error("verifyClientRevocation", "InvalidRequestFormat",
                  fmt::format("verifyClientRevocation is \"None\" or \"OCSP\", not '{}'", revocation));
    const auto mode = inner.text("verifyClientAuthMode").value_or("Strict");
    out.passthrough = equals_ignoring_case(mode, "Passthrough");
    if (!out.passthrough && !equals_ignoring_case(mode, "Strict"))
      inner.error("verifyClientAuthMode", "InvalidRequestFormat",
                  fmt::format("verifyClientAuthMode is \"Strict\" or \"Passthrough\", not '{}'", mode));
    out.check_revocation = asks_revocation;
  }
  const JsonValue* named = profile.value("trustedClientCertificates");
  const bool names_some = named != nullptr && !named->items.empty();
  if (out.passthrough) {
    if (asks_revocation || out.verify_issuer)
      profile.warning("clientAuthConfiguration", "WithoutEffect",
                      "with \"Passthrough\" no client certificate is verified, so neither its issuer nor its "
                      "revocation is");
    return out;
  }
  if (!names_some && !profile.failed("trustedClientCertificates")) {
    if (out.verify_issuer || asks_revocation)
      profile.error(
          "clientAuthConfiguration", "ApplicationGatewaySslProfileWithoutTrustedClientCertificates",
          "client certificates are verified against trustedClientCertificates, and the profile names "
          "none; add some, or make verifyClientAuthMode \"Passthrough\"");
    return std::nullopt;
  }
  return out;
}

bool is_of_the_new_kind(const model::TlsPolicy& policy) {
  return policy.name.starts_with("AppGwSslPolicy2022") || policy.name == "CustomV2";
}

// Azure: the policies of 2022 and CustomV2 do not go with older ones on one gateway.
void check_mix(const Compilation& c, const Item& profile, const model::TlsPolicy& policy, bool written) {
  const model::TlsPolicy& of_gateway = c.gateway.tls_policies.front();
  if (is_of_the_new_kind(policy) == is_of_the_new_kind(of_gateway)) return;
  const std::string what = fmt::format(
      "the profile '{}' has the policy {} and the gateway has {}{}; Azure takes the policies of 2022 "
      "and CustomV2 only together: give both one of the same kind",
      profile.name, policy.name, of_gateway.name,
      written ? "" : fmt::format(" (the default of apiVersion {})", c.resource.api_version()));
  const PropertyReader reader(profile, c.problems);
  if (written)
    reader.error("sslPolicy", "ApplicationGatewaySslPolicyMixed", what);
  else
    reader.warning("sslPolicy", "ApplicationGatewaySslPolicyMixed", what);
}

}  // namespace

void compile_tls_policies(const Compilation& c) {
  const Item* written = c.resource.single("sslPolicy");
  auto policy = written != nullptr ? PolicyReader(c, *written).read() : std::nullopt;
  c.gateway.tls_policies.push_back(policy ? std::move(*policy) : default_policy(c));
  for (const Item& item : c.resource.collection("sslProfiles")) {
    const PropertyReader reader(item, c.problems);
    model::TlsProfile profile{item.name, {}, {}};
    if (const auto own = reader.inner("sslPolicy")) {
      if (auto read = PolicyReader(c, *own).read()) {
        check_mix(c, item, *read, written != nullptr);
        profile.policy = c.gateway.tls_policies.size();
        c.gateway.tls_policies.push_back(std::move(*read));
      }
    }
    profile.client_authentication = read_client_authentication(c, reader);
    c.gateway.tls_profiles.push_back(std::move(profile));
  }
}

}  // namespace passerelle::arm
