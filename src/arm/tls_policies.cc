#include "arm/tls_policies.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace passerelle::arm {
namespace {

using namespace std::string_view_literals;
using enum model::TlsVersion;

constexpr std::array suites = {
    CipherSuite{"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    CipherSuite{"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    CipherSuite{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"},
    CipherSuite{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"},
    CipherSuite{"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"},
    CipherSuite{"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"},
    CipherSuite{"TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384", true},
    CipherSuite{"TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256", true},
    CipherSuite{"TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA", true},
    CipherSuite{"TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA", true},
    CipherSuite{"TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"},
    CipherSuite{"TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"},
    CipherSuite{"TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"},
    CipherSuite{"TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"},
    CipherSuite{"TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"},
    CipherSuite{"TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"},
    CipherSuite{"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    CipherSuite{"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    CipherSuite{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"},
    CipherSuite{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"},
    CipherSuite{"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"},
    CipherSuite{"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"},
    CipherSuite{"TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", "DHE-DSS-AES256-SHA256", true},
    CipherSuite{"TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "DHE-DSS-AES128-SHA256", true},
    CipherSuite{"TLS_DHE_DSS_WITH_AES_256_CBC_SHA", "DHE-DSS-AES256-SHA", true},
    CipherSuite{"TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "DHE-DSS-AES128-SHA", true},
    CipherSuite{"TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"},
    CipherSuite{"TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", "DHE-DSS-DES-CBC3-SHA", true},
};

constexpr std::array suites_1_3 = {"TLS_AES_128_GCM_SHA256"sv, "TLS_AES_256_GCM_SHA384"sv};

constexpr auto suites_2015 = [] {
  std::array<std::string_view, suites.size()> out{};
  for (std::size_t i = 0; i < suites.size(); ++i) out[i] = suites[i].name;  // the table has their order
  return out;
}();

constexpr std::array suites_2017 = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"sv,
    "TLS_RSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_RSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_RSA_WITH_AES_256_CBC_SHA256"sv,
    "TLS_RSA_WITH_AES_128_CBC_SHA256"sv,
    "TLS_RSA_WITH_AES_256_CBC_SHA"sv,
    "TLS_RSA_WITH_AES_128_CBC_SHA"sv,
};

constexpr std::array suites_2022 = {
    "TLS_AES_128_GCM_SHA256"sv,
    "TLS_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"sv,
};

constexpr std::array suites_2022s = {
    "TLS_AES_128_GCM_SHA256"sv,
    "TLS_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"sv,
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"sv,
};

constexpr std::array policies = {
    PredefinedTlsPolicy{"AppGwSslPolicy20150501", v1_0, v1_2, suites_2015},
    PredefinedTlsPolicy{"AppGwSslPolicy20170401", v1_1, v1_2, suites_2017},
    PredefinedTlsPolicy{"AppGwSslPolicy20170401S", v1_2, v1_2, suites_2017},
    PredefinedTlsPolicy{"AppGwSslPolicy20220101", v1_2, v1_3, suites_2022},
    PredefinedTlsPolicy{"AppGwSslPolicy20220101S", v1_2, v1_3, suites_2022s},
};

}  // namespace

std::span<const CipherSuite> cipher_suites() { return suites; }
std::span<const std::string_view> tls13_cipher_suites() { return suites_1_3; }
std::span<const PredefinedTlsPolicy> predefined_tls_policies() { return policies; }

const CipherSuite* find_cipher_suite(std::string_view name) {
  const auto found = std::ranges::find_if(
      suites, [&](const CipherSuite& suite) { return equals_ignoring_case(suite.name, name); });
  return found == suites.end() ? nullptr : &*found;
}

const PredefinedTlsPolicy* find_tls_policy(std::string_view name) {
  const auto found = std::ranges::find_if(
      policies, [&](const PredefinedTlsPolicy& policy) { return equals_ignoring_case(policy.name, name); });
  return found == policies.end() ? nullptr : &*found;
}

std::string_view default_tls_policy(std::string_view api_version) {
  constexpr std::string_view changed_in = "2023-02-01";
  return !api_version.empty() && api_version < changed_in ? "AppGwSslPolicy20150501"
                                                          : "AppGwSslPolicy20220101";
}

std::optional<model::TlsVersion> parse_tls_version(std::string_view text) {
  static constexpr std::array names = {"TLSv1_0"sv, "TLSv1_1"sv, "TLSv1_2"sv, "TLSv1_3"sv};
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (equals_ignoring_case(names[i], text)) return static_cast<model::TlsVersion>(i);
  }
  return std::nullopt;
}

std::string_view to_string(model::TlsVersion version) {
  static constexpr std::array names = {"TLS 1.0"sv, "TLS 1.1"sv, "TLS 1.2"sv, "TLS 1.3"sv};
  return names[static_cast<std::size_t>(version)];
}

}  // namespace passerelle::arm
