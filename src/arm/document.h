// The one resource that the REST API keeps, as a document: made of what a PUT sends, and changed a little. In
// and out it is text that load() takes. Source: Azure, Microsoft.Network/applicationGateways, 2024-01-01.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "arm/language/deployment.h"

namespace passerelle::arm {

// What a gateway is called whose document does not say.
inline constexpr std::string_view unnamed_gateway = "applicationGateway";
inline constexpr std::string_view stopped_state = "Stopped";

// "/subscriptions/S/resourceGroups/G/providers/Microsoft.Network/applicationGateways/NAME"
struct GatewayId {
  std::string subscription;
  std::string resource_group;
  std::string name;

  [[nodiscard]] static std::optional<GatewayId> parse(std::string_view id);
  [[nodiscard]] std::string to_string() const;
  // As Azure compares: case is ignored.
  [[nodiscard]] bool is(const GatewayId& other) const;
};

struct PutRequest {
  std::string_view body;
  GatewayId id;                  // of its path, which wins over what the body says
  std::string_view api_version;  // of its query
  std::string_view before;       // the document in force; empty: none
};

// Certificates that the body names without `data`, as a GET has shown them, keep the data they have. The
// error is a sentence on what is wrong with the body.
[[nodiscard]] std::expected<std::string, std::string> document_of(const PutRequest& request);

// PATCH: {"tags": { "NAME": "value" }} in place of the tags there are. The error is a sentence.
[[nodiscard]] std::expected<std::string, std::string> with_tags(std::string_view document,
                                                                std::string_view body);

// With the id it has here, and stopped or not.
[[nodiscard]] std::string marked(std::string_view document, const GatewayId& id, bool stopped);

// What a document says of itself besides the gateway; nothing where it is none of ours.
struct Mark {
  GatewayId id;
  std::string location;  // may be empty
  bool stopped = false;
};
[[nodiscard]] std::optional<Mark> mark_of(std::string_view document);

}  // namespace passerelle::arm
