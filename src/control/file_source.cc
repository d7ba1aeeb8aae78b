#include "control/file_source.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include "arm/document.h"
#include "base/digest.h"
#include "base/text.h"
#include "control/check_tls.h"
#include "tls/certificate.h"

namespace passerelle::control {
namespace {

std::pair<std::string, std::string> split_pair(const std::string& text) {
  const auto [name, value] = split_once(text, '=');
  return {std::string(name), std::string(value)};
}

std::optional<std::string> environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
}

// Size and time; of no file there is none.
std::string stamp_of(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return " -\n";
  return fmt::format(" {} {} {}.{:09}\n", status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace

std::optional<std::string> FileSource::read(const std::string& path, Problems& problems) {
  if (path == "-") {
    if (!standard_input_) standard_input_ = std::string(std::istreambuf_iterator<char>(std::cin), {});
    return standard_input_;
  }
  const bool first = path == options_.templates.front();
  if (first && considered_ != nullptr) return *considered_;
  // What this process writes itself is no news to it.
  if (!(first && options_.kept)) seen_.try_emplace(path, stamp_of(path));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  if (file && !std::filesystem::is_directory(path)) text.assign(std::istreambuf_iterator<char>(file), {});
  if (!file || std::filesystem::is_directory(path)) {
    const std::string why =
        std::filesystem::is_directory(path) ? "it is a folder" : std::strerror(errno != 0 ? errno : EIO);
    problems.push_back({{path, 0, 0},
                        Severity::error,
                        "CannotReadFile",
                        fmt::format("the file cannot be read: {}; check the path and its permissions", why),
                        {}});
    return std::nullopt;
  }
  return text;
}

std::string FileSource::local_path() const {
  if (options_.local) return *options_.local;
  const std::string& first = options_.templates.front();
  const auto folder = first == "-" ? std::filesystem::path() : std::filesystem::path(first).parent_path();
  return (folder / "passerelle.local.json").string();
}

std::optional<arm::LoadInput> FileSource::read_input(Problems& problems) {
  seen_.clear();
  arm::LoadInput input;
  for (const std::string& path : options_.templates) {
    if (auto text = read(path, problems))
      input.templates.push_back({path == "-" ? "standard input" : path, std::move(*text),
                                 considered_ != nullptr ? literal_ : options_.kept});
  }
  read_parameters(input, problems);
  const std::string local = local_path();
  if (options_.local || std::filesystem::exists(local)) {
    if (auto text = read(local, problems)) input.local = arm::Source{local, std::move(*text)};
  } else {
    seen_.try_emplace(local, stamp_of(local));  // it may come
  }
  for (const std::string& bind : options_.binds) input.binds.push_back(split_pair(bind));
  for (const std::string& port : options_.ports) input.ports.push_back(split_pair(port));
  input.gateway = options_.gateway;
  input.scope = options_.scope;
  input.environment = environment;
  return has_errors(problems) ? std::nullopt : std::optional(std::move(input));
}

void FileSource::read_parameters(arm::LoadInput& input, Problems& problems) {
  bool any_file = false;
  for (const std::string& given : options_.parameters) {
    if (given.find('=') == std::string::npos || std::filesystem::exists(given)) {
      any_file = true;
      if (auto text = read(given, problems)) input.parameter_files.push_back({given, std::move(*text)});
      continue;
    }
    auto [name, value] = split_pair(given);
    if (value.starts_with('@')) {
      auto text = read(value.substr(1), problems);
      if (!text) continue;
      value = std::move(*text);
    }
    input.parameters.emplace_back(std::move(name), std::move(value));
  }
  if (any_file || considered_ != nullptr) return;
  // As documented: <template>.parameters.json beside the template.
  for (const std::string& path : options_.templates) {
    if (path == "-") continue;
    std::filesystem::path beside(path);
    beside.replace_extension(".parameters.json");
    if (!std::filesystem::exists(beside)) continue;
    if (auto text = read(beside.string(), problems))
      input.parameter_files.push_back({beside.string(), std::move(*text)});
  }
}

std::optional<std::string> FileSource::read_named(const std::string& path, const Location& origin,
                                                  Problems& problems) {
  const std::filesystem::path base = std::filesystem::path(local_path()).parent_path();
  Problems trouble;
  auto text = read((base / path).string(), trouble);
  for (Problem& problem : trouble) {
    problem.message = fmt::format("'{}': {}", problem.where.file, problem.message);
    problem.where = origin;
    problems.push_back(std::move(problem));
  }
  return text;
}

void FileSource::read_error_pages(std::vector<model::ErrorPage>& pages, Problems& problems) {
  for (model::ErrorPage& page : pages) {
    if (page.path.empty()) continue;
    auto text = read_named(page.path, page.origin, problems);
    if (!text) continue;
    if (text->size() > model::ErrorPage::body_bytes_max) {
      problems.push_back(
          {page.origin,
           Severity::error,
           "CustomErrorPageTooLarge",
           fmt::format("'{}' has {} bytes; an error page has less than 1 MiB", page.path, text->size()),
           {}});
      continue;
    }
    page.body = std::make_shared<const std::string>(std::move(*text));
  }
}

void FileSource::read_error_pages(model::Gateway& gateway, Problems& problems) {
  read_error_pages(gateway.error_pages, problems);
  for (model::Listener& listener : gateway.listeners) read_error_pages(listener.error_pages, problems);
}

void FileSource::read_trusted_files(std::vector<model::TrustedCertificate>& trusted, Problems& problems) {
  for (model::TrustedCertificate& each : trusted) {
    if (each.path.empty()) continue;
    if (auto text = read_named(each.path, each.origin, problems)) each.data = std::move(*text);
  }
}

void FileSource::read_certificate_files(std::vector<model::Certificate>& certificates, Problems& problems) {
  const auto content = [&](const std::string& path, std::string& text, const Location& origin) {
    if (path.empty()) return;
    if (auto read = read_named(path, origin, problems)) text = std::move(*read);
  };
  for (model::Certificate& certificate : certificates) {
    content(certificate.pfx_path, certificate.pfx, certificate.origin);
    content(certificate.chain_path, certificate.chain, certificate.origin);
    content(certificate.key_path, certificate.key, certificate.origin);
  }
}

arm::Loaded FileSource::consider(const std::string& text, bool literal) {
  FileOptions options = options_;
  options_.templates.resize(1);
  options_.parameters.clear();
  considered_ = &text;
  literal_ = literal;
  arm::Loaded loaded = load(true);
  considered_ = nullptr;
  options_ = std::move(options);
  return loaded;
}

arm::Loaded FileSource::load(bool print) {
  if (options_.kept && considered_ == nullptr && !std::filesystem::exists(options_.templates.front())) {
    arm::Loaded nothing;
    nothing.gateway = std::make_unique<model::Gateway>();
    return nothing;
  }
  Problems problems;
  auto input = read_input(problems);
  if (!input) {
    arm::Loaded nothing;
    nothing.problems = std::move(problems);
    return nothing;
  }
  input->print = print;
  const auto mark = options_.kept ? arm::mark_of(input->templates.front().text) : std::nullopt;
  if (mark) {
    input->scope.subscription = mark->id.subscription;
    input->scope.resource_group = mark->id.resource_group;
    if (!mark->location.empty()) input->scope.location = mark->location;
  }
  arm::Loaded loaded = arm::load(*input);
  loaded.stopped = mark && mark->stopped;
  auto& certificates = loaded.gateway ? loaded.gateway->certificates : loaded.certificates;
  auto& trusted = loaded.gateway ? loaded.gateway->trusted_certificates : loaded.trusted_certificates;
  read_certificate_files(certificates, loaded.problems);
  read_trusted_files(trusted, loaded.problems);
  const Certificates read = read_certificates(certificates, loaded.problems);
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (!read[i]) continue;
    certificates[i].public_part = to_base64(read[i]->public_part());
    certificates[i].not_after = read[i]->not_after();
  }
  check_trusted_certificates(trusted, loaded.problems);
  if (loaded.gateway) {
    read_error_pages(*loaded.gateway, loaded.problems);
    check_policies(*loaded.gateway, read, loaded.problems);
    lint_certificates(*loaded.gateway, read, options_.scope.now, loaded.problems);
  }
  if (has_errors(loaded.problems)) loaded.gateway.reset();
  return loaded;
}

std::string FileSource::fingerprint() const {
  std::string out;
  for (const auto& [path, stamp] : seen_) out += path + stamp_of(path);
  return out;
}

bool FileSource::has_changed() const {
  return std::ranges::any_of(seen_, [](const auto& file) { return stamp_of(file.first) != file.second; });
}

}  // namespace passerelle::control
