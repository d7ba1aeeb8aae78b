#include "cli/options.h"

#include <CLI/CLI.hpp>

#include <string_view>
#include <tuple>

#include "base/endpoint.h"
#include "control/configuration.h"

namespace passerelle::cli {
namespace {

constexpr const char* description =
    "Passerelle carries HTTP and WebSocket traffic as an Azure Application Gateway definition says: an ARM "
    "template, a\n"
    "resource as `az` shows it, or a fragment from a documentation page.\n\n"
    "  passerelle run gateway.json --port 80=8080 --port 443=8443\n"
    "  passerelle run --state DIR --admin-tls 127.0.0.1:9701   without a template: by Azure's REST API\n"
    "  passerelle init gateway.json      write passerelle.local.json: what the template's addresses are "
    "here\n"
    "  passerelle check gateway.json     every problem, with file, line and column\n"
    "  passerelle explain gateway.json http://www.contoso.com/images/   which listener, rule and pool, and "
    "why\n"
    "  passerelle tunnels                live tunnels of the gateway that runs here\n"
    "  passerelle upgrade                hand over to a new binary without losing one\n";

constexpr const char* templates_help =
    "templates, resources or fragments, merged in this order; - is standard input";

void add_common(CLI::App& verb, control::FileOptions& files, const char* positional = templates_help,
                bool template_needed = true) {
  verb.add_option("TEMPLATE", files.templates, positional)->required(template_needed);
  verb.add_option("--parameters", files.parameters,
                  "a parameters file, NAME=VALUE or NAME=@FILE; repeatable, later wins")
      ->allow_extra_args(false);
  verb.add_option("--local", files.local,
                  "the local file (default: passerelle.local.json beside the first template)");
  verb.add_option("--bind", files.binds,
                  "NAME=ADDRESS: the frontendIPConfiguration NAME listens on ADDRESS; repeatable")
      ->allow_extra_args(false);
  verb.add_option("--port", files.ports,
                  "N=M: the frontend port numbered or named N listens on M; 0: any free one; repeatable")
      ->allow_extra_args(false);
  verb.add_option("--gateway", files.gateway, "which gateway, where a template holds several");
  verb.add_option("--subscription", files.scope.subscription, "what subscription().subscriptionId yields");
  verb.add_option("--resource-group", files.scope.resource_group, "what resourceGroup().name yields");
  verb.add_option("--location", files.scope.location, "what resourceGroup().location yields");
}

void add_admin(CLI::App& verb, Options& options) {
  verb.add_option("--admin", options.admin, "ADDRESS:PORT of the gateway's admin listener")
      ->capture_default_str();
}

void add_run(CLI::App& app, Options& options) {
  auto* run = app.add_subcommand("run", "Carry traffic until SIGTERM.");
  add_common(*run, options.files,
             "templates, resources or fragments, merged in this order; - is standard input; without one the "
             "gateway starts from what the REST API has put into --state",
             false);
  run->add_option("--workers", options.workers, "data-plane threads (default: the cores)")
      ->check(CLI::Range(1U, 256U));
  run->add_option("--engine", options.engine,
                  "auto, io_uring or epoll; auto is io_uring where the kernel allows it")
      ->check(CLI::IsMember({"auto", "io_uring", "epoll"}));
  run->add_option("--admin", options.admin, "ADDRESS:PORT of the admin listener, or off; the portal is its /")
      ->capture_default_str();
  run->add_option("--admin-tls", options.admin_tls,
                  "ADDRESS:PORT of the admin listener over HTTPS, which has Azure's REST API too, or off")
      ->capture_default_str();
  run->add_option("--admin-cert", options.admin_cert,
                  "the certificate of --admin-tls, with its chain, PEM (default: one is made and kept)");
  run->add_option("--admin-key", options.admin_key, "its private key, PEM");
  run->add_option(
      "--state", options.state,
      "the folder for what outlives a restart: the admin token, the key of affinity cookies, what "
      "the REST API applied; without a template the gateway starts from that, and belongs to the API");
  run->add_option(
      "--user", options.user,
      "whom to run as, where root starts it (default: passerelle, if there is such a user); ports below "
      "1024 stay allowed");
  run->add_option("--access-log", options.access_log,
                  "a file, - for standard output, syslog, syslog:ADDRESS:PORT, or off")
      ->capture_default_str();
  run->add_option("--access-log-share", options.access_log_share,
                  "of the requests, from 0 to 1, that are in the access log; tunnels and answers of 500 and "
                  "above all are")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  run->add_option("--log-level", options.log_level, "debug, info, warning or error")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  run->add_option("--log-format", options.log_format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  run->add_flag("--watch", options.watch, "load again when a file changes");
  run->add_option("--drain", options.drain_seconds, "seconds that SIGTERM waits for what is under way")
      ->capture_default_str();
  run->add_option("--wait-healthy", options.wait_healthy_seconds,
                  "be ready only when every pool has a healthy member; exit 3 after so many seconds")
      ->capture_default_str();
  run->callback([&] { options.verb = Verb::run; });
  run->footer(
      "Signals: TERM or INT drain and exit, a second one exits at once; HUP loads the configuration again; "
      "USR1 reopens log files; USR2 hands over to the binary now installed.\n"
      "Exit: 0 done, 1 the configuration has errors, 2 wrong usage, 3 could not start.");
}

// Verbs that ask a running gateway.
void add_asking(CLI::App& app, Options& options) {
  auto* what_if = app.add_subcommand(
      "what-if", "Say what applying these templates would do to the running gateway and its live tunnels.");
  add_common(*what_if, options.files);
  add_admin(*what_if, options);
  what_if->add_option("--format", options.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  what_if->callback([&] { options.verb = Verb::what_if; });
  what_if->footer(
      "What differs is told in behaviour, not in text: + is new, - is gone, ~ is changed. Nothing is "
      "applied.");

  auto* tunnels = app.add_subcommand(
      "tunnels", "Show the live tunnels of a running gateway; on a terminal, again every second.");
  add_admin(*tunnels, options);
  tunnels
      ->add_option("--filter", options.filters,
                   "NAME=VALUE with id, listener, rule, pool, client or member: only these; repeatable")
      ->allow_extra_args(false);
  tunnels
      ->add_option("--sort", options.sort, "seconds, messages or bytes; with a - before it the largest first")
      ->capture_default_str();
  tunnels->add_option("--limit", options.limit, "at most so many (default: 20 on a terminal, else 1000)")
      ->check(CLI::Range(1U, 10'000U));
  tunnels->add_flag("--once", options.once, "once, also on a terminal");
  tunnels->add_option("--format", options.format, "text or json")->check(CLI::IsMember({"text", "json"}));
  tunnels->callback([&] { options.verb = Verb::tunnels; });
  tunnels->footer(
      "A round-trip time is that of the gateway's pings (\"pingSeconds\" in the local file), else TCP's own "
      "estimate.\n"
      "POST /api/v1/tunnels/ID/close with the token of the state folder closes one.");

  auto* upgrade = app.add_subcommand(
      "upgrade", "Hand over to the binary now installed, without losing a tunnel; as SIGUSR2 does.");
  add_admin(*upgrade, options);
  upgrade->add_option("--state", options.state, "the state folder of the gateway: its token is there");
  upgrade->callback([&] { options.verb = Verb::upgrade; });
  upgrade->footer(
      "Listening sockets and tunnels in clear text move to the new process. Tunnels over TLS or HTTP/2 stay "
      "with the old\n"
      "one until they end, or until the next upgrade closes them. A new process that does not get ready "
      "changes nothing.");
}

void add_others(CLI::App& app, Options& options) {
  auto* init =
      app.add_subcommand("init", "Write the local file this template needs, complete, commented, to edit.");
  add_common(*init, options.files);
  init->callback([&] { options.verb = Verb::init; });

  auto* check =
      app.add_subcommand("check", "Say every problem with file, line and column; exit 1 if one is an error.");
  add_common(*check, options.files);
  check->add_option("--format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  check
      ->add_option("--print", options.print,
                   "model: the evaluated resource as normalised JSON; azure: as Azure would answer it, with "
                   "ids, states and references back")
      ->check(CLI::IsMember({"model", "azure"}));
  check->callback([&] { options.verb = Verb::check; });

  auto* explain = app.add_subcommand(
      "explain",
      "Say what the gateway would do with a request, and why; the URL stands behind the templates.");
  add_common(*explain, options.files,
             "templates, as for run, and last the URL: http://, https://, ws:// or wss:// host[:port]/path");
  explain->add_option("-X,--request", options.method, "the method")->capture_default_str();
  explain->add_option("-H,--header", options.headers, "'Name: value'; repeatable")->allow_extra_args(false);
  explain->add_option("--from", options.from, "the client's address")->capture_default_str();
  explain->add_option("--format", options.format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  explain
      ->add_option("--expect", options.expectations,
                   "KEY=VALUE, such as pool=images: exit 1 if it is not so; repeatable")
      ->allow_extra_args(false);
  explain->callback([&] { options.verb = Verb::explain; });

  auto* backend = app.add_subcommand(
      "backend", "The demo backend: a chat page at /, WebSockets at /chat and /echo, 200 at /health.");
  backend->add_option("--listen", options.listen, "ADDRESS:PORT")->required();
  backend->add_option("--name", options.name, "what it calls itself");
  backend->callback([&] { options.verb = Verb::backend; });

  auto* version = app.add_subcommand("version", "Print the version.");
  version->callback([&] { options.verb = Verb::version; });
}

// Of an option given twice the later wins, as scripts that append to a command line expect.
void let_later_win(CLI::App& app) {
  for (CLI::App* verb : app.get_subcommands({})) {
    for (CLI::Option* option : verb->get_options()) {
      if (option->get_items_expected_max() == 1)
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    }
  }
}

// `help VERB` is `VERB --help`.
std::vector<std::string> normalised(int count, char** arguments) {
  std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.empty()) words = {"--help"};
  if (words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::reverse(words.begin(), words.end());  // as CLI11 wants a vector
  return words;
}

bool check_addresses(const Options& options) {
  const bool run = options.verb == Verb::run;
  for (const auto& [address, may_be_off, asked] :
       {std::tuple(&options.admin, run, true), std::tuple(&options.admin_tls, true, run),
        std::tuple(&options.listen, false, options.verb == Verb::backend)}) {
    if (!asked || (may_be_off && *address == "off") || Endpoint::parse(*address)) continue;
    std::cerr << "passerelle: '" << *address << "' is not ADDRESS:PORT, such as 127.0.0.1:9700\n";
    return false;
  }
  return true;
}

bool check_run(Options& options) {
  if (options.admin_cert.empty() != options.admin_key.empty() ||
      (!options.admin_cert.empty() && options.admin_tls == "off")) {
    std::cerr << "passerelle: --admin-cert and --admin-key go together, and with --admin-tls ADDRESS:PORT\n";
    return false;
  }
  if (!options.files.templates.empty()) return true;
  if (options.state.empty()) {
    std::cerr
        << "passerelle: run takes a template, such as passerelle run gateway.json; or --state DIR, to be "
           "configured over the REST API\n";
    return false;
  }
  options.files.templates = {control::StateFolder(options.state).path_of(control::kept_document)};
  options.files.kept = true;
  return true;
}

}  // namespace

std::expected<Options, int> parse_options(int count, char** arguments, unsigned cores) {
  Options options;
  options.workers = cores;
  CLI::App app{description, "passerelle"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "");
  add_run(app, options);
  add_others(app, options);
  add_asking(app, options);
  let_later_win(app);
  try {
    app.parse(normalised(count, arguments));
  } catch (const CLI::CallForVersion&) {
    options.verb = Verb::version;
  } catch (const CLI::ParseError& error) {
    return std::unexpected(app.exit(error) == 0 ? exit_done : exit_usage);
  }
  if (options.verb == Verb::explain) {
    if (options.files.templates.size() < 2) {
      std::cerr << "passerelle: explain takes a template and a URL: passerelle explain gateway.json "
                   "http://host/path\n";
      return std::unexpected(exit_usage);
    }
    if (!IpAddress::parse(options.from)) {
      std::cerr << "passerelle: --from '" << options.from << "' is not an IP address\n";
      return std::unexpected(exit_usage);
    }
    for (const std::string& header : options.headers) {
      if (header.find(':') != std::string::npos) continue;
      std::cerr << "passerelle: -H '" << header << "' is not 'Name: value'\n";
      return std::unexpected(exit_usage);
    }
    options.url = options.files.templates.back();
    options.files.templates.pop_back();
  }
  for (const auto* pairs : {&options.files.binds, &options.files.ports, &options.filters}) {
    for (const std::string& pair : *pairs) {
      if (pair.find('=') != std::string::npos) continue;
      std::cerr << "passerelle: '" << pair << "' is not NAME=VALUE\n";
      return std::unexpected(exit_usage);
    }
  }
  if (!check_addresses(options) || (options.verb == Verb::run && !check_run(options)))
    return std::unexpected(exit_usage);
  return options;
}

}  // namespace passerelle::cli
