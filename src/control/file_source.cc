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

#include "base/text.h"
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

}  // namespace

std::optional<std::string> FileSource::read(const std::string& path, Problems& problems) {
  if (path == "-") {
    if (!standard_input_) standard_input_ = std::string(std::istreambuf_iterator<char>(std::cin), {});
    return standard_input_;
  }
  seen_.push_back(path);
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
      input.templates.push_back({path == "-" ? "standard input" : path, std::move(*text)});
  }
  read_parameters(input, problems);
  const std::string local = local_path();
  if (options_.local || std::filesystem::exists(local)) {
    if (auto text = read(local, problems)) input.local = arm::Source{local, std::move(*text)};
  } else {
    seen_.push_back(local);  // it may come
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
  if (any_file) return;
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

std::vector<std::optional<tls::Certificate>> FileSource::read_certificates(
    std::vector<model::Certificate>& certificates, Problems& problems) {
  std::vector<std::optional<tls::Certificate>> out;
  const auto content = [&](const std::string& path, std::string& text, const Location& origin) {
    if (path.empty()) return true;
    auto read = read_named(path, origin, problems);
    if (read) text = std::move(*read);
    return read.has_value();
  };
  for (model::Certificate& certificate : certificates) {
    out.emplace_back();
    if (!content(certificate.pfx_path, certificate.pfx, certificate.origin) ||
        !content(certificate.chain_path, certificate.chain, certificate.origin) ||
        !content(certificate.key_path, certificate.key, certificate.origin) ||
        certificate.kind == model::Certificate::Kind::self_signed) {
      continue;
    }
    const auto checked = certificate.kind == model::Certificate::Kind::pfx
                             ? tls::Certificate::from_pfx(certificate.pfx, certificate.password)
                             : tls::Certificate::from_pem(certificate.chain, certificate.key);
    if (checked) {
      out.back() = *checked;
      continue;
    }
    const bool password = checked.error().wrong_password;
    problems.push_back(
        {password ? certificate.password_origin : certificate.origin,
         Severity::error,
         password ? "ApplicationGatewaySslCertificatePasswordIncorrect"
                  : "ApplicationGatewaySslCertificateInvalidData",
         fmt::format(
             "the certificate '{}' cannot be used: {}{}", certificate.name, checked.error().message,
             password
                 ? "; correct it, or give another certificate in the local file under \"sslCertificates\""
                 : ""),
         {}});
  }
  return out;
}

// Warnings: a certificate that ends soon, or that a client which asks for the listener's host would not take.
void FileSource::lint_certificates(const model::Gateway& gateway,
                                   const std::vector<std::optional<tls::Certificate>>& read,
                                   Problems& problems) const {
  constexpr std::int64_t day = 86400, soon = 30 * day;
  for (std::size_t i = 0; i < read.size(); ++i) {
    if (!read[i] || options_.scope.now == 0) continue;
    const std::int64_t left = read[i]->not_after() - options_.scope.now;
    if (left >= soon) continue;
    const model::Certificate& certificate = gateway.certificates[i];
    problems.push_back({certificate.origin,
                        Severity::warning,
                        "CertificateExpires",
                        left < 0 ? fmt::format("the certificate '{}' expired {} days ago; renew it",
                                               certificate.name, -left / day)
                                 : fmt::format("the certificate '{}' expires in {} days; renew it",
                                               certificate.name, left / day),
                        {}});
  }
  for (const model::Listener& listener : gateway.listeners) {
    if (!listener.certificate || !read[*listener.certificate]) continue;
    for (std::string host : listener.host_names) {
      // Some name that the pattern stands for.
      std::ranges::replace_if(host, [](char c) { return c == '*' || c == '?'; }, 'x');
      if (read[*listener.certificate]->is_for(host)) continue;
      problems.push_back(
          {listener.origin,
           Severity::warning,
           "CertificateDoesNotFitHost",
           fmt::format(
               "the certificate '{}' is not for '{}', which the listener '{}' is for; clients will refuse it",
               gateway.certificates[*listener.certificate].name, host, listener.name),
           {}});
    }
  }
}

arm::Loaded FileSource::load(bool print) {
  Problems problems;
  auto input = read_input(problems);
  if (!input) return {nullptr, {}, {}, std::move(problems)};
  input->print = print;
  arm::Loaded loaded = arm::load(*input);
  const auto read =
      read_certificates(loaded.gateway ? loaded.gateway->certificates : loaded.certificates, loaded.problems);
  if (loaded.gateway) read_error_pages(*loaded.gateway, loaded.problems);
  if (loaded.gateway) lint_certificates(*loaded.gateway, read, loaded.problems);
  if (has_errors(loaded.problems)) loaded.gateway.reset();
  return loaded;
}

std::string FileSource::fingerprint() const {
  std::string out;
  for (const std::string& path : seen_) {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) {
      out += path + " -\n";
      continue;
    }
    out += fmt::format("{} {} {} {}.{:09}\n", path, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                       status.st_mtim.tv_nsec);
  }
  return out;
}

}  // namespace passerelle::control
