// The pages of the admin listener.
#pragma once

#include <array>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "admin/arm_api.h"
#include "admin/live_feed.h"
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
             const LiveFeed& live, io::Background& background, AdminRules rules, std::string salt)
      : observed_(observed),
        configuration_(configuration),
        arm_(arm),
        live_(live),
        background_(background),
        rules_(std::move(rules)),
        salt_(std::move(salt)) {}
  // Why the request is refused, by its head alone; nothing: answer() is for it.
  [[nodiscard]] std::optional<http::Response> refuse(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> answer(const http::Request& request) const;

 private:
  struct Page {
    std::string_view path;
    http::Response (AdminPages::*answer)(std::string_view query) const;
  };
  struct Command {
    std::string_view path;
    io::Task<http::Response> (AdminPages::*answer)(const http::Request& request) const;
  };
  static const std::array<Page, 11> pages;
  static const std::array<Command, 6> commands;
  [[nodiscard]] static bool is_command(std::string_view path);

  [[nodiscard]] http::Response read(const http::Request& request) const;
  [[nodiscard]] bool has_token(const http::Request& request) const;
  [[nodiscard]] std::optional<http::Response> refuse_other_site(const http::Request& request) const;

  [[nodiscard]] std::optional<http::Response> refuse_change() const;

  [[nodiscard]] http::Response livez(std::string_view query) const;
  [[nodiscard]] http::Response readyz(std::string_view query) const;
  [[nodiscard]] http::Response health(std::string_view query) const;
  [[nodiscard]] http::Response show_topology(std::string_view query) const;
  [[nodiscard]] http::Response listeners(std::string_view query) const;
  [[nodiscard]] http::Response show_certificates(std::string_view query) const;
  [[nodiscard]] http::Response explain(std::string_view query) const;
  [[nodiscard]] http::Response tunnels(std::string_view query) const;
  [[nodiscard]] http::Response ended_tunnels(std::string_view query) const;
  [[nodiscard]] http::Response behaviour(std::string_view query) const;
  [[nodiscard]] http::Response live_without_websocket(std::string_view query) const;
  // Written in the background: it may be a megabyte.
  [[nodiscard]] io::Task<http::Response> metrics() const;

  [[nodiscard]] io::Task<http::Response> probe(const http::Request& request) const;
  // Of a template in the body, whether it would be taken, and what it would do.
  [[nodiscard]] io::Task<http::Response> what_if(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> apply(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> drain(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> resume(const http::Request& request) const;
  [[nodiscard]] io::Task<http::Response> upgrade(const http::Request& request) const;
  [[nodiscard]] http::Response close(std::string_view id, const http::Request& request) const;
  // In the background.
  [[nodiscard]] io::Task<arm::Loaded> evaluate(const std::string& text_of_template) const;

  const Observed& observed_;
  const control::Configuration& configuration_;
  ArmApi& arm_;
  const LiveFeed& live_;
  io::Background& background_;
  const AdminRules rules_;
  const std::string salt_;
};

}  // namespace passerelle::admin
