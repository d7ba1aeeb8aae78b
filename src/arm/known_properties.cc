#include "arm/known_properties.h"

#include <array>

namespace passerelle::arm {
namespace {

using enum Effect;

constexpr std::array resource = {
    KnownProperty{"sku", without_effect},
    KnownProperty{"gatewayIPConfigurations", without_effect},
    KnownProperty{"autoscaleConfiguration", without_effect},
    KnownProperty{"enableFips", without_effect},
    KnownProperty{"enableHttp2", without_effect},
    KnownProperty{"sslPolicy", without_effect},
    KnownProperty{"defaultPredefinedSslPolicy", read_only},
    KnownProperty{"frontendIPConfigurations"},
    KnownProperty{"frontendPorts"},
    KnownProperty{"sslCertificates"},
    KnownProperty{"httpListeners"},
    KnownProperty{"requestRoutingRules"},
    KnownProperty{"backendAddressPools"},
    KnownProperty{"backendHttpSettingsCollection"},
    KnownProperty{"probes"},
    KnownProperty{"authenticationCertificates", without_effect},
    KnownProperty{"trustedRootCertificates", without_effect},
    KnownProperty{"trustedClientCertificates", not_yet},
    KnownProperty{"sslProfiles", not_yet},
    KnownProperty{"urlPathMaps", not_yet},
    KnownProperty{"redirectConfigurations", not_yet},
    KnownProperty{"rewriteRuleSets", not_yet},
    KnownProperty{"loadDistributionPolicies", not_yet},
    KnownProperty{"listeners", not_yet},
    KnownProperty{"backendSettingsCollection", not_yet},
    KnownProperty{"routingRules", not_yet},
    KnownProperty{"entraJWTValidationConfigs", not_yet},
    KnownProperty{"webApplicationFirewallConfiguration"},
    KnownProperty{"firewallPolicy", not_yet},
    KnownProperty{"forceFirewallPolicyAssociation", without_effect},
    KnownProperty{"customErrorConfigurations", not_yet},
    KnownProperty{"globalConfiguration", without_effect},
    KnownProperty{"privateLinkConfigurations", without_effect},
    KnownProperty{"privateEndpointConnections", read_only},
    KnownProperty{"operationalState", read_only},
    KnownProperty{"provisioningState", read_only},
    KnownProperty{"resourceGuid", read_only},
};

constexpr std::array frontend_ip = {
    KnownProperty{"publicIPAddress"},
    KnownProperty{"privateIPAddress"},
    KnownProperty{"privateIPAllocationMethod"},
    KnownProperty{"subnet"},
    KnownProperty{"privateLinkConfiguration", without_effect},
    KnownProperty{"httpListeners", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array frontend_port = {KnownProperty{"port"}, KnownProperty{"httpListeners", read_only},
                                      KnownProperty{"provisioningState", read_only}};

constexpr std::array ssl_certificate = {
    KnownProperty{"data"},
    KnownProperty{"password"},
    KnownProperty{"keyVaultSecretId"},
    KnownProperty{"publicCertData", read_only},
    KnownProperty{"httpListeners", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array http_listener = {
    KnownProperty{"frontendIPConfiguration"},
    KnownProperty{"frontendPort"},
    KnownProperty{"protocol"},
    KnownProperty{"sslCertificate"},
    KnownProperty{"hostName", not_yet},
    KnownProperty{"hostNames", not_yet},
    KnownProperty{"requireServerNameIndication", without_effect},
    KnownProperty{"sslProfile", not_yet},
    KnownProperty{"firewallPolicy", not_yet},
    KnownProperty{"customErrorConfigurations", not_yet},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array rule = {
    KnownProperty{"ruleType"},
    KnownProperty{"priority"},
    KnownProperty{"httpListener"},
    KnownProperty{"backendAddressPool"},
    KnownProperty{"backendHttpSettings"},
    KnownProperty{"urlPathMap", not_yet},
    KnownProperty{"redirectConfiguration", not_yet},
    KnownProperty{"rewriteRuleSet", not_yet},
    KnownProperty{"loadDistributionPolicy", not_yet},
    KnownProperty{"entraJWTValidationConfig", not_yet},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array pool = {
    KnownProperty{"backendAddresses"},
    KnownProperty{"backendIPConfigurations"},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"urlPathMaps", read_only},
    KnownProperty{"pathRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array settings = {
    KnownProperty{"port"},
    KnownProperty{"protocol"},
    KnownProperty{"requestTimeout"},
    KnownProperty{"probe"},
    KnownProperty{"hostName"},
    KnownProperty{"pickHostNameFromBackendAddress"},
    KnownProperty{"connectionDraining"},
    KnownProperty{"cookieBasedAffinity", without_effect},
    KnownProperty{"affinityCookieName", without_effect},
    KnownProperty{"probeEnabled", without_effect},
    KnownProperty{"path", not_yet},
    KnownProperty{"dedicatedBackendConnection", without_effect},
    KnownProperty{"authenticationCertificates", without_effect},
    KnownProperty{"trustedRootCertificates", without_effect},
    KnownProperty{"validateCertChainAndExpiry", without_effect},
    KnownProperty{"validateSNI", without_effect},
    KnownProperty{"sniName", without_effect},
    KnownProperty{"requestRoutingRules", read_only},
    KnownProperty{"urlPathMaps", read_only},
    KnownProperty{"pathRules", read_only},
    KnownProperty{"provisioningState", read_only},
};

constexpr std::array probe = {
    KnownProperty{"protocol"},
    KnownProperty{"host"},
    KnownProperty{"path"},
    KnownProperty{"port"},
    KnownProperty{"interval"},
    KnownProperty{"timeout"},
    KnownProperty{"unhealthyThreshold"},
    KnownProperty{"pickHostNameFromBackendHttpSettings"},
    KnownProperty{"pickHostNameFromBackendSettings", without_effect},
    KnownProperty{"minServers"},
    KnownProperty{"match"},
    KnownProperty{"enableProbeProxyProtocolHeader", without_effect},
    KnownProperty{"backendHttpSettings", read_only},
    KnownProperty{"provisioningState", read_only},
};

}  // namespace

std::span<const KnownProperty> known_properties(std::string_view collection) {
  if (collection.empty()) return resource;
  if (collection == "frontendIPConfigurations") return frontend_ip;
  if (collection == "frontendPorts") return frontend_port;
  if (collection == "sslCertificates") return ssl_certificate;
  if (collection == "httpListeners") return http_listener;
  if (collection == "requestRoutingRules") return rule;
  if (collection == "backendAddressPools") return pool;
  if (collection == "backendHttpSettingsCollection") return settings;
  if (collection == "probes") return probe;
  return {};
}

}  // namespace passerelle::arm
