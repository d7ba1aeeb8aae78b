#include "control/admin_certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <iterator>
#include <vector>

namespace passerelle::control {
namespace {

constexpr const char* key_name = "admin.key";
constexpr std::chrono::seconds renewed_before_end = std::chrono::days(30);

std::expected<std::string, std::string> read(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file || text.empty())
    return std::unexpected(
        fmt::format("{} cannot be read: {}", path, std::strerror(errno != 0 ? errno : EIO)));
  return text;
}

std::vector<std::string> own_names() {
  std::vector<std::string> out = {"localhost"};
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' && out.front() != name.data())
    out.emplace_back(name.data());
  return out;
}

}  // namespace

std::expected<tls::Certificate, std::string> admin_certificate(const CertificateFiles& files,
                                                               const StateFolder& state, std::int64_t now) {
  if (!files.chain.empty()) {
    const auto chain = read(files.chain);
    if (!chain) return std::unexpected(chain.error());
    const auto key = read(files.key);
    if (!key) return std::unexpected(key.error());
    auto certificate = tls::Certificate::from_pem(*chain, *key);
    if (!certificate) return std::unexpected(fmt::format("{}: {}", files.chain, certificate.error().message));
    return std::move(*certificate);
  }
  if (auto kept = tls::Certificate::from_pem(state.read(made_certificate_name), state.read(key_name));
      kept && kept->not_after() > now + renewed_before_end.count())
    return std::move(*kept);
  auto made = tls::Certificate::self_signed(own_names());
  if (!made) return std::unexpected(made.error().message);
  for (const auto& [name, text] :
       {std::pair(key_name, made->key_pem()), std::pair(made_certificate_name, made->chain_pem())}) {
    if (auto written = state.replace(name, text); !written) return std::unexpected(written.error());
  }
  return std::move(*made);
}

}  // namespace passerelle::control
