// The pages of the admin listener.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "admin/arm_api.h"
#include "admin/observed.h"
#include "http/server.h"
#include "io/background.h"

namespace passerelle::admin {

// Who is let in. A value.
struct AdminRules {
  std::string token;  // what whoever asks for more than reading must know; empty: nobody may
  std::function<bool(std::string_view host)> answers_to;
};

// A resource on the control plane's engine.
class AdminPages {
 public:
  // `salt`: of digests that are shown, this process's own.
  AdminPages(const Observed& observed, const control::Configuration& configuration, ArmApi& arm,
             io::Background& background, AdminRules rules, std::string salt)
      : observed_(observed),
        configuration_(configuration),
        arm_(arm),
        background_(background),
        rules_(std::move(rules)),
        salt_(std::move(salt)) {}
  // Why the request is refused, by its head alone; nothing: answer() is for it.
  [[nodiscard]] std::optional<http::Response> refuse(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> answer(const http::Request& request) const;

 private:
  [[nodiscard]] http::Response read(const http::Request& request) const;
  [[nodiscard]] bool has_token(const http::Request& request) const;
  [[nodiscard]] std::optional<http::Response> refuse_other_site(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> probe(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> upgrade() const;
  [[nodiscard]] http::Response health() const;
  [[nodiscard]] http::Response listeners() const;
  [[nodiscard]] http::Response explain(std::string_view query) const;
  // Of a template in the body, whether it would be taken, and what it would do. Evaluated in the background.
  [[nodiscard]] io::Task<http::Response> what_if(const http::Request& request) const;
  [[nodiscard]] http::Response tunnels(std::string_view query) const;
  [[nodiscard]] http::Response close(std::string_view id, const http::Request& request) const;
  // Written in the background: it may be a megabyte.
  [[nodiscard]] io::Task<http::Response> metrics() const;
  [[nodiscard]] http::Response behaviour() const;
  const Observed& observed_;
  const control::Configuration& configuration_;
  ArmApi& arm_;
  io::Background& background_;
  const AdminRules rules_;
  const std::string salt_;
};

}  // namespace passerelle::admin
