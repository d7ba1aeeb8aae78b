#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "arm/inventory.h"
#include "base/json_writer.h"
#include "cli/verbs.h"

namespace passerelle::cli {
namespace {

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

constexpr const char* https_remark = ", over https; \"http://127.0.0.1:…\" if it speaks plain HTTP here";

class Page {
 public:
  void comment(std::string_view text) { fmt::format_to(std::back_inserter(out_), "  // {}\n", text); }
  void open(std::string_view key) { fmt::format_to(std::back_inserter(out_), "  \"{}\": {{\n", key); }
  void entry(std::string_view key, std::string_view json, std::string_view remark = {}) {
    fmt::format_to(std::back_inserter(out_), "    {}: {},{}{}\n", quoted(key), json,
                   remark.empty() ? "" : "  // ", remark);
  }
  void close() { out_ += "  },\n\n"; }
  void line(std::string_view text) {
    fmt::format_to(std::back_inserter(out_), "{}{}\n", text.empty() ? "" : "  ", text);
  }
  [[nodiscard]] std::string text() const { return "{\n" + out_ + "}\n"; }

 private:
  std::string out_;
};

void write_ports(Page& page, const arm::Inventory& found) {
  page.comment("The template's port -> the port here. Ports below 1024 need root or a right.");
  page.open("frontendPorts");
  std::set<std::uint16_t> taken;
  for (const auto& port : found.ports) taken.insert(port.number);
  for (const auto& port : found.ports) {
    std::uint16_t here = port.number;
    if (port.number < 1024) {
      here = static_cast<std::uint16_t>(8000 + port.number % 1000);
      while (!taken.insert(here).second) ++here;
    }
    page.entry(fmt::format("{}", port.number), fmt::format("{}", here), port.name);
  }
  page.close();
}

void write_backends(Page& page, const arm::Inventory& found) {
  page.comment(
      "Backend address or name (or that with \":port\", or \"*\") -> [http://|https://]address[:port] or "
      "unix:/path.");
  page.open("backendAddresses");
  std::set<std::string> seen;
  int port = 9001;
  for (const auto& pool : found.pools) {
    for (const auto& member : pool.members) {
      if (!seen.insert(member).second) continue;
      page.entry(member, fmt::format("\"127.0.0.1:{}\"", port++),
                 pool.name + (pool.https ? https_remark : ""));
    }
  }
  page.close();
  page.comment("All members of a pool at once: for pools whose members are NICs or scale sets.");
  page.open("backendPools");
  for (const auto& pool : found.pools) {
    if (pool.members.empty())
      page.entry(pool.name, fmt::format("[\"127.0.0.1:{}\"]", port++), pool.https ? https_remark + 2 : "");
  }
  page.close();
}

void write_certificates(Page& page, const arm::Inventory& found) {
  page.comment(
      "{ \"pfx\": \"cert.pfx\", \"password\": … }, { \"certificate\": \"chain.pem\", \"privateKey\": "
      "\"key.pem\" } or \"self-signed\".");
  page.comment(
      "A secret may be { \"env\": \"NAME\" }. Remove an entry to use the template's own certificate.");
  page.open("sslCertificates");
  for (const auto& name : found.certificates) page.entry(name, "\"self-signed\"");
  page.close();
  page.comment(
      "Files in place of the template's trusted roots and client certificates; \"*\" is also trusted for "
      "members of");
  page.comment("settings that name no root, beside the system's authorities.");
  page.open("trustedCertificates");
  for (const auto& name : found.trusted) page.line(fmt::format("  // \"{}\": \"ca.pem\",", name));
  if (found.trusted.empty()) page.line("  // \"*\": \"dev-ca.pem\",");
  page.close();
  page.comment("Nothing older is spoken, whatever a policy allows.");
  page.line("\"minimumTlsVersion\": \"1.2\",");
  page.line("");
}

std::string local_file_text(const arm::Inventory& found) {
  Page page;
  page.comment(
      "What the things this template names are on this machine. Comments and trailing commas are welcome "
      "here.");
  page.comment("Names ignore case and may hold *; an exact name wins, then the longest.");
  page.line("");
  page.comment("Where each frontend listens. Without an entry: every address, IPv4 and IPv6.");
  page.open("frontendIPConfigurations");
  int last_byte = 1;  // each its own: two that share a port number could not listen otherwise
  for (const auto& name : found.frontends) page.entry(name, fmt::format("\"127.0.0.{}\"", last_byte++));
  page.close();
  write_ports(page, found);
  write_backends(page, found);
  write_certificates(page, found);
  page.comment(
      "What only Azure knows: reference(), list…() and Key Vault secrets, as the template writes the call.");
  page.open("references");
  for (const auto& call : found.references) page.entry(call, "\"127.0.0.1\"", "edit: what it yields here");
  page.close();
  page.comment(
      "\"refuse\": a WAF in Prevention mode is an error, as nothing inspects requests; \"ignore\": load all "
      "the same.");
  page.line(found.waf ? "\"waf\": \"refuse\",  // this template has a WAF" : "\"waf\": \"refuse\",");
  page.line("");
  if (!found.error_pages.empty()) {
    page.comment(
        "Files in place of the template's error pages, which are fetched from their URLs otherwise.");
    page.open("customErrorPages");
    for (const int status : found.error_pages)
      page.line(fmt::format("  // \"HttpStatus{0}\": \"{0}.html\",", status));
    page.close();
  }
  if (found.affinity) {
    page.comment(
        "The key of affinity cookies: share it between instances. Without it, one is made and kept in the "
        "state folder.");
    page.line("// \"affinityKey\": { \"env\": \"PASSERELLE_AFFINITY_KEY\" },");
    page.line("");
  }
  page.comment(
      "\"roundRobin\" as Azure, or \"fewest\": a WebSocket goes to the member that holds the fewest of "
      "them.");
  page.line("\"tunnelBalancing\": \"roundRobin\",");
  page.line("");
  page.comment("Seconds without a byte either way after which a WebSocket tunnel ends; null: never.");
  page.line("\"tunnelIdleTimeout\": null,");
  page.line("");
  page.comment("What keeps a listener's tunnels in shape, beyond Azure; null or missing: nothing does.");
  page.open("httpListeners");
  page.line(
      "  // \"*\": { \"pingSeconds\": 20, \"messageBytesMax\": 1048576, \"messagesPerSecondMax\": null, "
      "\"bytesPerSecondMax\": null,");
  page.line("  //        \"allowedOrigins\": [], \"tunnelSecondsMax\": null },");
  page.close();
  page.comment("Azure's later, harsher ways, to test one's reconnect code; true switches all on.");
  page.line(
      "\"azureParity\": { \"requestTimeoutLimitsTunnels\": false, \"updateDrainsTunnels\": false, "
      "\"unhealthyDrainsTunnels\": false },");
  return page.text();
}

}  // namespace

int init(const Options& options) {
  control::FileOptions files = options.files;
  control::FileSource target_source(files);
  const std::string target = target_source.local_path();
  if (std::filesystem::exists(target)) {
    fmt::print(stderr,
               "{}: the file exists and is left as it is; remove it, or name another with --local FILE\n",
               target);
    return exit_configuration;
  }
  files.local.reset();
  control::FileSource source(files);
  Problems problems;
  const auto input = source.read_input(problems);
  for (const Problem& problem : problems) fmt::print(stderr, "{}\n", problem.to_string());
  if (!input) return exit_configuration;
  const arm::Inventory found = arm::take_inventory(*input);
  // Without its parameters a template hides what it needs.
  for (const Problem& problem : found.problems) {
    if (problem.code == "MissingParameter" || problem.code == "SeveralApplicationGateways")
      fmt::print(stderr, "{}\n", problem.to_string());
  }
  if (found.frontends.empty() && found.ports.empty() && found.pools.empty()) {
    fmt::print(stderr,
               "passerelle: nothing in these files needs a local file; `passerelle check` says what is wrong "
               "with them\n");
    return exit_configuration;
  }
  std::ofstream file(target);
  file << local_file_text(found);
  file.close();
  if (!file) {
    fmt::print(stderr, "{}: the file cannot be written\n", target);
    return exit_cannot_start;
  }
  fmt::print("{}: written; edit it, then: passerelle run", target);
  for (const auto& path : options.files.templates) fmt::print(" {}", path);
  for (const auto& parameters : options.files.parameters) fmt::print(" --parameters '{}'", parameters);
  if (!options.files.gateway.empty()) fmt::print(" --gateway {}", options.files.gateway);
  if (options.files.local) fmt::print(" --local {}", target);
  fmt::print("\n");
  return exit_done;
}

}  // namespace passerelle::cli
