#include "arm/known_properties.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace passerelle::arm {
namespace {

using enum Effect;

constexpr std::array resource_properties = {
    KnownProperty{"sku", without_effect, "sku", {}, "no machine is rented"},
    KnownProperty{"autoscaleConfiguration",
                  without_effect,
                  "autoscaleConfiguration",
                  {},
                  "--workers says how many cores are used"},
    KnownProperty{
        "gatewayIPConfigurations", without_effect, "gatewayIPConfigurations", {}, "there is no subnet"},
    KnownProperty{"frontendIPConfigurations", honoured, "frontendIPConfigurations"},
    KnownProperty{"frontendPorts", honoured, "frontendPorts"},
    KnownProperty{"sslCertificates", honoured, "sslCertificates"},
    KnownProperty{"httpListeners", honoured, "httpListeners"},
    KnownProperty{"requestRoutingRules", honoured, "requestRoutingRules"},
    KnownProperty{"urlPathMaps", honoured, "urlPathMaps"},
    KnownProperty{"redirectConfigurations", honoured, "redirectConfigurations"},
    KnownProperty{"backendAddressPools", honoured, "backendAddressPools"},
    KnownProperty{"backendHttpSettingsCollection", honoured, "backendHttpSettingsCollection"},
    KnownProperty{"probes", honoured, "probes"},
    KnownProperty{
        "webApplicationFirewallConfiguration",
        honoured,
        "webApplicationFirewallConfiguration",
        {},
        "no request is inspected: Prevention is refused unless the local file says \"waf\": \"ignore\""},
    KnownProperty{"firewallPolicy",
                  honoured,
                  "reference",
                  {},
                  "no request is inspected: a policy that prevents is refused unless the local file says "
                  "\"waf\": \"ignore\""},
    KnownProperty{"forceFirewallPolicyAssociation", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"rewriteRuleSets", honoured, "rewriteRuleSets"},
    KnownProperty{"loadDistributionPolicies", honoured, "loadDistributionPolicies"},
    KnownProperty{"sslPolicy", honoured, "sslPolicy",
                  "AppGwSslPolicy20150501, from apiVersion 2023-02-01 on AppGwSslPolicy20220101",
                  "nothing under the local file's minimumTlsVersion is spoken"},
    KnownProperty{"sslProfiles", honoured, "sslProfiles"},
    KnownProperty{"trustedClientCertificates", honoured, "trustedClientCertificates"},
    KnownProperty{"trustedRootCertificates", honoured, "trustedRootCertificates"},
    KnownProperty{"authenticationCertificates", honoured, "authenticationCertificates"},
    KnownProperty{"customErrorConfigurations", honoured, "customErrorConfigurations"},
    KnownProperty{"globalConfiguration", honoured, "globalConfiguration"},
    KnownProperty{"enableHttp2", honoured, {}, "false", "on HTTPS listeners, WebSockets too (RFC 8441)"},
    KnownProperty{"enableFips", without_effect, {}, {}, "the system's OpenSSL is used as it is"},
    KnownProperty{"listeners", refused, "listeners", {}, "TCP and TLS proxying (layer 4) is not there"},
    KnownProperty{"backendSettingsCollection",
                  refused,
                  "backendSettingsCollection",
                  {},
                  "TCP and TLS proxying (layer 4) is not there"},
    KnownProperty{"routingRules", refused, "routingRules", {}, "TCP and TLS proxying (layer 4) is not there"},
    KnownProperty{
        "entraJWTValidationConfigs", refused, "entraJWTValidationConfigs", {}, "tokens are not looked at"},
    KnownProperty{"privateLinkConfigurations",
                  without_effect,
                  "privateLinkConfigurations",
                  {},
                  "there is no private link"},
    KnownProperty{"privateEndpointConnections", read_only},
    KnownProperty{"defaultPredefinedSslPolicy", read_only},
    KnownProperty{"operationalState", read_only},
    KnownProperty{"provisioningState", read_only},
    KnownProperty{"resourceGuid", read_only},
};

constexpr std::array sku = {
    KnownProperty{"name", without_effect},
    KnownProperty{"tier", without_effect},
    KnownProperty{"capacity", without_effect},
    KnownProperty{"family", without_effect},
};

constexpr std::array autoscale_configuration = {
    KnownProperty{"minCapacity", without_effect},
    KnownProperty{"maxCapacity", without_effect},
};

constexpr std::array gateway_ip_configurations = {
    KnownProperty{"subnet", without_effect, "reference"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array frontend_ip_configurations = {
    KnownProperty{"publicIPAddress", honoured, "reference", {}, "the local file says where it listens"},
    KnownProperty{"privateIPAddress", honoured, {}, {}, "the local file says where it listens"},
    KnownProperty{"privateIPAllocationMethod", honoured, {}, {}, "the local file says where it listens"},
    KnownProperty{"subnet", honoured, "reference", {}, "the local file says where it listens"},
    KnownProperty{"privateLinkConfiguration", without_effect, "reference", {}, "there is no private link"},
    KnownProperty{"httpListeners", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array frontend_ports = {
    KnownProperty{"port"},
    KnownProperty{"httpListeners", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array ssl_certificates = {
    KnownProperty{"data"},
    KnownProperty{"password"},
    KnownProperty{"keyVaultSecretId", honoured, {}, {}, "the local file gives the certificate"},
    KnownProperty{"hsm", refused, "hsm", {}, "keys stay in files here"},
    KnownProperty{"publicCertData", read_only},
    KnownProperty{"httpListeners", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array hsm = {
    KnownProperty{"keyId", refused},
    KnownProperty{"publicCertData", refused},
};

constexpr std::array http_listeners = {
    KnownProperty{"frontendIPConfiguration", honoured, "reference"},
    KnownProperty{"frontendPort", honoured, "reference"},
    KnownProperty{"protocol"},
    KnownProperty{"sslCertificate", honoured, "reference"},
    KnownProperty{"hostName"},
    KnownProperty{"hostNames", honoured, {}, "[]"},
    KnownProperty{"requireServerNameIndication",
                  without_effect,
                  {},
                  "false",
                  "a client without SNI gets the first listener's certificate"},
    KnownProperty{"sslProfile", honoured, "reference"},
    KnownProperty{"firewallPolicy", honoured, "reference", {}, "as the gateway's"},
    KnownProperty{"customErrorConfigurations", honoured, "customErrorConfigurations"},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array request_routing_rules = {
    KnownProperty{"ruleType", honoured, {}, "\"Basic\""},
    KnownProperty{"priority"},
    KnownProperty{"httpListener", honoured, "reference"},
    KnownProperty{"backendAddressPool", honoured, "reference"},
    KnownProperty{"backendHttpSettings", honoured, "reference"},
    KnownProperty{"urlPathMap", honoured, "reference"},
    KnownProperty{"redirectConfiguration", honoured, "reference"},
    KnownProperty{"rewriteRuleSet", honoured, "reference"},
    KnownProperty{"loadDistributionPolicy", honoured, "reference"},
    KnownProperty{"entraJWTValidationConfig", refused, "reference", {}, "tokens are not looked at"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array url_path_maps = {
    KnownProperty{"defaultBackendAddressPool", honoured, "reference"},
    KnownProperty{"defaultBackendHttpSettings", honoured, "reference"},
    KnownProperty{"defaultRedirectConfiguration", honoured, "reference"},
    KnownProperty{"defaultRewriteRuleSet", honoured, "reference"},
    KnownProperty{"defaultLoadDistributionPolicy", honoured, "reference"},
    KnownProperty{"pathRules", honoured, "pathRules"},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array path_rules = {
    KnownProperty{"paths"},
    KnownProperty{"backendAddressPool", honoured, "reference"},
    KnownProperty{"backendHttpSettings", honoured, "reference"},
    KnownProperty{"redirectConfiguration", honoured, "reference"},
    KnownProperty{"rewriteRuleSet", honoured, "reference"},
    KnownProperty{"loadDistributionPolicy", honoured, "reference"},
    KnownProperty{"firewallPolicy", honoured, "reference", {}, "as the gateway's"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array redirect_configurations = {
    KnownProperty{"redirectType"},
    KnownProperty{"targetListener", honoured, "reference"},
    KnownProperty{"targetUrl"},
    KnownProperty{"includePath", honoured, {}, "false"},
    KnownProperty{"includeQueryString", honoured, {}, "false"},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"urlPathMaps", read_only},
    KnownProperty{"pathRules", read_only},
};

constexpr std::array backend_address_pools = {
    KnownProperty{"backendAddresses", honoured, "backendAddresses", "[]"},
    KnownProperty{"backendIPConfigurations",
                  without_effect,
                  "reference",
                  {},
                  "NICs and scale sets are not seen: the local file gives the members"},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"urlPathMaps", read_only},
    KnownProperty{"pathRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array backend_addresses = {
    KnownProperty{"fqdn"},
    KnownProperty{"ipAddress"},
};

constexpr std::array backend_http_settings_collection = {
    KnownProperty{"port"},
    KnownProperty{"protocol"},
    KnownProperty{"requestTimeout", honoured, {}, "20"},
    KnownProperty{"probe", honoured, "reference"},
    KnownProperty{"hostName"},
    KnownProperty{"pickHostNameFromBackendAddress", honoured, {}, "false"},
    KnownProperty{"connectionDraining", honoured, "connectionDraining"},
    KnownProperty{"cookieBasedAffinity", honoured, {}, "\"Disabled\""},
    KnownProperty{"affinityCookieName", honoured, {}, "\"ApplicationGatewayAffinity\""},
    KnownProperty{"probeEnabled", without_effect, {}, {}, "members are always probed"},
    KnownProperty{"path"},
    KnownProperty{"dedicatedBackendConnection", honoured, {}, "false"},
    KnownProperty{"authenticationCertificates", honoured, "reference"},
    KnownProperty{"trustedRootCertificates", honoured, "reference"},
    KnownProperty{"validateCertChainAndExpiry", honoured, {}, "true"},
    KnownProperty{"validateSNI", honoured, {}, "true"},
    KnownProperty{"sniName", honoured, {}, "the Host that is sent"},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"urlPathMaps", read_only},
    KnownProperty{"pathRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array connection_draining = {
    KnownProperty{"enabled"},
    KnownProperty{"drainTimeoutInSec"},
};

constexpr std::array probes = {
    KnownProperty{"protocol"},
    KnownProperty{"host"},
    KnownProperty{"path", honoured, {}, "\"/\""},
    KnownProperty{"port"},
    KnownProperty{"interval", honoured, {}, "30"},
    KnownProperty{"timeout", honoured, {}, "30"},
    KnownProperty{"unhealthyThreshold", honoured, {}, "3"},
    KnownProperty{"pickHostNameFromBackendHttpSettings", honoured, {}, "false"},
    KnownProperty{
        "pickHostNameFromBackendSettings", without_effect, {}, {}, "it is for TCP and TLS proxying"},
    KnownProperty{"minServers", honoured, {}, "0"},
    KnownProperty{"match", honoured, "match"},
    KnownProperty{"enableProbeProxyProtocolHeader", without_effect, {}, {}, "it is for TCP and TLS proxying"},
    KnownProperty{"backendHttpSettings", read_only},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"urlPathMaps", read_only},
    KnownProperty{"pathRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array match = {
    KnownProperty{"body"},
    KnownProperty{"statusCodes"},
};

constexpr std::array web_application_firewall_configuration = {
    KnownProperty{"enabled"},
    KnownProperty{"firewallMode"},
    KnownProperty{"ruleSetType", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"ruleSetVersion", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"disabledRuleGroups", without_effect, "disabledRuleGroups", {}, "no request is inspected"},
    KnownProperty{"requestBodyCheck", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"maxRequestBodySize", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"maxRequestBodySizeInKb", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"fileUploadLimitInMb", without_effect, {}, {}, "no request is inspected"},
    KnownProperty{"exclusions", without_effect, "exclusions", {}, "no request is inspected"},
};

constexpr std::array disabled_rule_groups = {
    KnownProperty{"ruleGroupName", without_effect},
    KnownProperty{"rules", without_effect},
};

constexpr std::array exclusions = {
    KnownProperty{"matchVariable", without_effect},
    KnownProperty{"selectorMatchOperator", without_effect},
    KnownProperty{"selector", without_effect},
};

constexpr std::array rewrite_rule_sets = {
    KnownProperty{"rewriteRules", honoured, "rewriteRules"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array rewrite_rules = {
    KnownProperty{"name"},
    KnownProperty{"ruleSequence", honoured, {}, "100"},
    KnownProperty{"conditions", honoured, "conditions"},
    KnownProperty{"actionSet", honoured, "actionSet"},
};

constexpr std::array conditions = {
    KnownProperty{"variable"},
    KnownProperty{"pattern"},
    KnownProperty{"ignoreCase", honoured, {}, "false"},
    KnownProperty{"negate", honoured, {}, "false"},
};

constexpr std::array action_set = {
    KnownProperty{"requestHeaderConfigurations", honoured, "headerConfigurations"},
    KnownProperty{"responseHeaderConfigurations", honoured, "headerConfigurations"},
    KnownProperty{"urlConfiguration", honoured, "urlConfiguration"},
};

constexpr std::array header_configurations = {
    KnownProperty{"headerName"},
    KnownProperty{"headerValue"},
    KnownProperty{"headerValueMatcher", honoured, "headerValueMatcher"},
};

constexpr std::array header_value_matcher = {
    KnownProperty{"pattern"},
    KnownProperty{"ignoreCase", honoured, {}, "false"},
    KnownProperty{"negate", honoured, {}, "false"},
};

constexpr std::array url_configuration = {
    KnownProperty{"modifiedPath"},
    KnownProperty{"modifiedQueryString"},
    KnownProperty{"reroute", honoured, {}, "false"},
};

constexpr std::array load_distribution_policies = {
    KnownProperty{"loadDistributionAlgorithm", honoured, {}, "\"RoundRobin\""},
    KnownProperty{"loadDistributionTargets", honoured, "loadDistributionTargets"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array load_distribution_targets = {
    KnownProperty{"backendAddressPool", honoured, "reference"},
    KnownProperty{"weightPerServer", honoured},
};

constexpr std::array ssl_policy = {
    KnownProperty{"policyType", honoured},           KnownProperty{"policyName", honoured},
    KnownProperty{"minProtocolVersion", honoured},   KnownProperty{"cipherSuites", honoured},
    KnownProperty{"disabledSslProtocols", honoured},
};

constexpr std::array ssl_profiles = {
    KnownProperty{"sslPolicy", honoured, "sslPolicy"},
    KnownProperty{"clientAuthConfiguration", honoured, "clientAuthConfiguration"},
    KnownProperty{"trustedClientCertificates", honoured, "reference"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array client_auth_configuration = {
    KnownProperty{"verifyClientCertIssuerDN", honoured},
    KnownProperty{"verifyClientRevocation", honoured},
    KnownProperty{"verifyClientAuthMode", honoured},
};

constexpr std::array trusted_client_certificates = {
    KnownProperty{"data", honoured},
    KnownProperty{"validatedCertData", read_only},
    KnownProperty{"clientCertIssuerDN", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array trusted_root_certificates = {
    KnownProperty{"data", honoured},
    KnownProperty{"keyVaultSecretId", honoured, {}, {}, "the local file gives the certificate"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array authentication_certificates = {
    KnownProperty{"data", honoured},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array custom_error_configurations = {
    KnownProperty{"statusCode"},
    KnownProperty{"customErrorPageUrl"},
};

constexpr std::array global_configuration = {
    KnownProperty{"enableRequestBuffering"},
    KnownProperty{"enableResponseBuffering",
                  without_effect,
                  {},
                  {},
                  "responses stream, as fast as the client takes them"},
    KnownProperty{"disableDefaultServerHeaderInResponse", without_effect},
};

constexpr std::array listeners = {
    KnownProperty{"frontendIPConfiguration", refused, "reference"},
    KnownProperty{"frontendPort", refused, "reference"},
    KnownProperty{"protocol", refused},
    KnownProperty{"sslCertificate", refused, "reference"},
    KnownProperty{"sslProfile", refused, "reference"},
    KnownProperty{"hostNames", refused},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array backend_settings_collection = {
    KnownProperty{"port", refused},
    KnownProperty{"protocol", refused},
    KnownProperty{"timeout", refused},
    KnownProperty{"probe", refused, "reference"},
    KnownProperty{"hostName", refused},
    KnownProperty{"pickHostNameFromBackendAddress", refused},
    KnownProperty{"trustedRootCertificates", refused, "reference"},
    KnownProperty{"enableL4ClientIpPreservation", refused},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array routing_rules = {
    KnownProperty{"ruleType", refused},
    KnownProperty{"priority", refused},
    KnownProperty{"listener", refused, "reference"},
    KnownProperty{"backendAddressPool", refused, "reference"},
    KnownProperty{"backendSettings", refused, "reference"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array entra_jwt_validation_configs = {
    KnownProperty{"tenantId", refused},
    KnownProperty{"clientId", refused},
    KnownProperty{"audiences", refused},
    KnownProperty{"unAuthorizedRequestAction", refused},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array private_link_configurations = {
    KnownProperty{"ipConfigurations", without_effect, "privateLinkIpConfigurations"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array private_link_ip_configurations = {
    KnownProperty{"primary", without_effect},
    KnownProperty{"privateIPAddress", without_effect},
    KnownProperty{"privateIPAllocationMethod", without_effect},
    KnownProperty{"subnet", without_effect, "reference"},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array reference = {
    KnownProperty{"id"},
};

constexpr std::array all_definitions = {
    Definition{"", resource_properties},
    Definition{"sku", sku},
    Definition{"autoscaleConfiguration", autoscale_configuration},
    Definition{"gatewayIPConfigurations", gateway_ip_configurations, true},
    Definition{"frontendIPConfigurations", frontend_ip_configurations, true},
    Definition{"frontendPorts", frontend_ports, true},
    Definition{"sslCertificates", ssl_certificates, true},
    Definition{"hsm", hsm},
    Definition{"httpListeners", http_listeners, true},
    Definition{"requestRoutingRules", request_routing_rules, true},
    Definition{"urlPathMaps", url_path_maps, true},
    Definition{"pathRules", path_rules, true},
    Definition{"redirectConfigurations", redirect_configurations, true},
    Definition{"backendAddressPools", backend_address_pools, true},
    Definition{"backendAddresses", backend_addresses},
    Definition{"backendHttpSettingsCollection", backend_http_settings_collection, true},
    Definition{"connectionDraining", connection_draining},
    Definition{"probes", probes, true},
    Definition{"match", match},
    Definition{"webApplicationFirewallConfiguration", web_application_firewall_configuration},
    Definition{"disabledRuleGroups", disabled_rule_groups},
    Definition{"exclusions", exclusions},
    Definition{"rewriteRuleSets", rewrite_rule_sets, true},
    Definition{"rewriteRules", rewrite_rules},
    Definition{"conditions", conditions},
    Definition{"actionSet", action_set},
    Definition{"headerConfigurations", header_configurations},
    Definition{"headerValueMatcher", header_value_matcher},
    Definition{"urlConfiguration", url_configuration},
    Definition{"loadDistributionPolicies", load_distribution_policies, true},
    Definition{"loadDistributionTargets", load_distribution_targets, true},
    Definition{"sslPolicy", ssl_policy},
    Definition{"sslProfiles", ssl_profiles, true},
    Definition{"clientAuthConfiguration", client_auth_configuration},
    Definition{"trustedClientCertificates", trusted_client_certificates, true},
    Definition{"trustedRootCertificates", trusted_root_certificates, true},
    Definition{"authenticationCertificates", authentication_certificates, true},
    Definition{"customErrorConfigurations", custom_error_configurations},
    Definition{"globalConfiguration", global_configuration},
    Definition{"listeners", listeners, true},
    Definition{"backendSettingsCollection", backend_settings_collection, true},
    Definition{"routingRules", routing_rules, true},
    Definition{"entraJWTValidationConfigs", entra_jwt_validation_configs, true},
    Definition{"privateLinkConfigurations", private_link_configurations, true},
    Definition{"privateLinkIpConfigurations", private_link_ip_configurations, true},
    Definition{"reference", reference},
};

std::string_view words(Effect effect) {
  switch (effect) {
    case honoured: return "honoured";
    case without_effect: return "accepted without effect";
    case refused: return "refused";
    case read_only: return "accepted without effect: Azure writes it";
  }
  return "";
}

}  // namespace

std::span<const Definition> definitions() { return all_definitions; }

const Definition* find_definition(std::string_view name) {
  const auto found = std::ranges::find(all_definitions, name, &Definition::name);
  return found == all_definitions.end() ? nullptr : &*found;
}

std::string properties_page() {
  std::string out =
      "# Every property, and what Passerelle does with it\n\n"
      "Made from `src/arm/known_properties.cc`: `./dev pages` writes it anew. Each property of "
      "`Microsoft.Network/applicationGateways` (API\n2016-09-01 to 2025-09-01) is *honoured*; or *refused*, "
      "an error "
      "where it asks for something, since silence would be a trap; or *accepted\nwithout effect*, which "
      "`run` says "
      "once. What Azure does not know is a warning with the nearest name. The resource's own `identity`, "
      "`location`,\n"
      "`tags` and `zones` have no effect here.\n";
  for (const Definition& definition : all_definitions) {
    fmt::format_to(std::back_inserter(out), "\n## {}\n\n| property | here | default |\n|---|---|---|\n",
                   definition.name.empty() ? "The resource's `properties`" : definition.name);
    for (const KnownProperty& property : definition.properties) {
      fmt::format_to(
          std::back_inserter(out), "| `{}` | {}{}{} | {} |\n", property.name, words(property.effect),
          property.note.empty() ? "" : ": ", property.note,
          property.default_value.empty() ? std::string() : fmt::format("`{}`", property.default_value));
    }
  }
  return out;
}

}  // namespace passerelle::arm
