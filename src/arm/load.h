// The one door: texts in, a gateway or problems out.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "arm/language/deployment.h"
#include "arm/local_file.h"
#include "base/problem.h"
#include "model/gateway.h"

namespace passerelle::arm {

struct Source {
  std::string name;  // as problems show it
  std::string text;
  bool literal = false;  // what looks like an expression is a text: the REST API knows no expressions
};

// Everything a load depends on. A value.
struct LoadInput {
  std::vector<Source> templates;
  // A parameters file belongs to all templates; later ones win.
  std::vector<Source> parameter_files;
  std::vector<std::pair<std::string, std::string>>
      parameters;  // --parameters NAME=VALUE: JSON if it parses, else a string
  std::optional<Source> local;
  std::vector<std::pair<std::string, std::string>> binds;  // --bind NAME=ADDRESS
  std::vector<std::pair<std::string, std::string>> ports;  // --port N=M
  std::string gateway;                                     // --gateway NAME; empty: the only one
  DeploymentScope scope;
  Environment environment;
  bool print = false;  // `check --print model`, and what the REST API shows and keeps
};

struct Loaded {
  std::unique_ptr<model::Gateway> gateway;  // null when a problem is an error
  std::vector<model::Certificate>
      certificates;  // also when there are errors: they can be checked all the same
  std::vector<model::TrustedCertificate> trusted_certificates;  // the same
  // The evaluated resource as normalised JSON, if that was asked for: with its secrets masked, and as it is.
  std::string printed, document;
  bool stopped = false;  // the document says that its gateway is stopped
  Problems problems;     // all of them, in the order of files and lines
};

// Pure. Certificates given as files are left as paths; control/ reads them.
[[nodiscard]] Loaded load(const LoadInput& input);

}  // namespace passerelle::arm
