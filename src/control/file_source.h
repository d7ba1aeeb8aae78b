// The files the command line names, read into what arm/ loads.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arm/document.h"
#include "arm/load.h"
#include "base/problem.h"

namespace passerelle::control {

// As on the command line. A value.
struct FileOptions {
  std::vector<std::string> templates;  // "-": standard input, read once
  // The only template is the document that the REST API keeps: there may be none yet, and it says where it is
  // deployed to.
  bool kept = false;
  std::vector<std::string> parameters;  // FILE, NAME=VALUE or NAME=@FILE
  std::optional<std::string> local;
  std::vector<std::string> binds;  // NAME=ADDRESS
  std::vector<std::string> ports;  // N=M
  std::string gateway;
  arm::DeploymentScope scope;
};

// Reads them anew each time. Any file that cannot be read is a problem with its name.
class FileSource {
 public:
  explicit FileSource(FileOptions options) : options_(std::move(options)) {}

  // The gateway with everything it needs from disk, certificates checked; or problems. Without a kept
  // document: one that has nothing to carry.
  [[nodiscard]] arm::Loaded load() { return load(false); }
  // The same with the evaluated resource as text.
  [[nodiscard]] arm::Loaded load_and_print() { return load(true); }
  // The same of this text alone, in place of the templates and their parameters. `literal`: it holds no
  // expressions.
  [[nodiscard]] arm::Loaded consider(const std::string& text, bool literal);
  // What problems call it.
  [[nodiscard]] const std::string& first_template() const { return options_.templates.front(); }
  // Where a template is deployed to.
  void deploy_to(const arm::GatewayId& id) {
    options_.scope.subscription = id.subscription;
    options_.scope.resource_group = id.resource_group;
  }
  [[nodiscard]] bool kept() const { return options_.kept; }

  // Whether a file that the last load has read is another one since.
  [[nodiscard]] bool has_changed() const;
  // Size and time of each of them, as one text. It changes when they do.
  [[nodiscard]] std::string fingerprint() const;
  // Where the local file is, or would be.
  [[nodiscard]] std::string local_path() const;
  // The texts as they are on disk, for `init`; nothing when a file cannot be read.
  [[nodiscard]] std::optional<arm::LoadInput> read_input(Problems& problems);

 private:
  arm::Loaded load(bool print);
  std::optional<std::string> read(const std::string& path, Problems& problems);
  void read_parameters(arm::LoadInput& input, Problems& problems);
  void read_certificate_files(std::vector<model::Certificate>& certificates, Problems& problems);
  void read_trusted_files(std::vector<model::TrustedCertificate>& trusted, Problems& problems);
  void read_error_pages(model::Gateway& gateway, Problems& problems);
  void read_error_pages(std::vector<model::ErrorPage>& pages, Problems& problems);
  // A file the local file names, relative to it; trouble is reported where it is named.
  std::optional<std::string> read_named(const std::string& path, const Location& origin, Problems& problems);
  FileOptions options_;
  std::optional<std::string> standard_input_;
  const std::string* considered_ = nullptr;  // while consider() works
  bool literal_ = false;                     // the first template
  std::map<std::string, std::string> seen_;  // by the last load: size and time just before
};

}  // namespace passerelle::control
