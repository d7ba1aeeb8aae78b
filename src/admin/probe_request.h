// What a probe on demand asks for.
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "model/gateway.h"

namespace passerelle::admin {

// As Azure's getBackendHealthOnDemand has it, pool and settings by their ids; or { "pool": …,
// "backendSettings": …, "host": …, "path": …, "timeout": …, "match": { "statusCodes": [ … ], "body": … } }:
// what is left out is as the settings' probe has it. The error is a sentence.
[[nodiscard]] std::expected<std::pair<model::Index, model::Probe>, std::string> read_probe_request(
    const std::string& body, const model::Gateway& gateway);

}  // namespace passerelle::admin
