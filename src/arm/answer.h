// The resource as Azure's REST API answers a GET of it: with the ids, etags and states Azure writes, with
// references back from what is referred to, without secrets. Source: Microsoft.Network/applicationGateways,
// the examples of API 2024-01-01.
#pragma once

#include <string>
#include <string_view>

namespace passerelle::arm {

// What the resource itself does not say.
struct AnswerFacts {
  std::string_view resource_id;
  std::string_view location;
  std::string_view provisioning_state = "Succeeded";  // Updating, Deleting, Failed
  std::string_view operational_state = "Running";     // Stopped, Starting, Stopping
};

// `printed`: as print_resource() writes it. The etag is of the content: the same resource has the same.
[[nodiscard]] std::string as_azure_answers(std::string_view printed, const AnswerFacts& facts);

}  // namespace passerelle::arm
