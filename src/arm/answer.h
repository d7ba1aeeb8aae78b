// The resource as Azure's REST API answers a GET of it: with the ids, etags and states Azure writes, with
// references back from what is referred to, without secrets. Source: Microsoft.Network/applicationGateways,
// the examples of API 2024-01-01.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace passerelle::arm {

// What the resource itself does not say.
struct AnswerFacts {
  std::string_view resource_id;
  std::string_view location;                          // where the resource does not say it
  std::string_view provisioning_state = "Succeeded";  // Updating, Deleting, Failed
  std::string_view operational_state = "Running";     // Stopped, Starting, Stopping
  // publicCertData of sslCertificates, by name.
  const std::map<std::string, std::string>* public_certificates = nullptr;
};

// `printed`: as print_resource() writes it. The etag is of the content: the same resource has the same.
[[nodiscard]] std::string as_azure_answers(std::string_view printed, const AnswerFacts& facts);
// Of such an answer: W/"GUID".
[[nodiscard]] std::string etag_of(std::string_view answer);

}  // namespace passerelle::arm
