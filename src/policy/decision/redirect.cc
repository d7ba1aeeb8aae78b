#include "policy/decision/redirect.h"

#include <fmt/format.h>

namespace passerelle::policy {
namespace {

// The one host a multi-site listener is for, if it is one without wildcards; else the request's.
std::string_view host_of(const model::Listener& listener, std::string_view asked) {
  if (listener.host_names.size() != 1) return asked;
  const std::string& only = listener.host_names.front();
  return only.find_first_of("*?") == std::string::npos ? std::string_view(only) : asked;
}

bool has_own_path(std::string_view url) {
  const auto scheme = url.find("://");
  const auto slash = url.find('/', scheme == std::string_view::npos ? 0 : scheme + 3);
  return slash != std::string_view::npos && slash + 1 < url.size() && url[slash + 1] != '?';
}

// `OPTIONS *` has no path.
std::string_view path_of(const RedirectFacts& facts) {
  return facts.path.starts_with('/') ? facts.path : std::string_view("/");
}

}  // namespace

std::string redirect_location(const model::Gateway& gateway, const model::Redirect& redirect,
                              const RedirectFacts& facts) {
  std::string out = redirect.url;
  if (redirect.listener) {
    const model::Listener& target = gateway.listeners[*redirect.listener];
    const model::Frontend& frontend = gateway.frontends[target.frontend];
    const std::string_view host = host_of(target, facts.host);
    if (host.empty()) return {};
    out = fmt::format("{}://{}", frontend.tls ? "https" : "http", host);
    if (facts.target_port != (frontend.tls ? 443 : 80)) out += fmt::format(":{}", facts.target_port);
    out += redirect.include_path ? path_of(facts) : std::string_view("/");
  } else if (redirect.include_path && !has_own_path(out) && out.find('?') == std::string::npos) {
    if (out.ends_with('/')) out.pop_back();
    out += path_of(facts);
  }
  if (redirect.include_query && !facts.query.empty()) {
    out += out.find('?') == std::string::npos ? '?' : '&';
    out += facts.query;
  }
  return out;
}

}  // namespace passerelle::policy
