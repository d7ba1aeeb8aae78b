// A request target and a Host: what is taken apart is within them, and a redirect keeps what it is given.
#include "fuzz/head.h"
#include "policy/decision/redirect.h"
#include "protocol/http1/request_target.h"

using namespace passerelle;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto input = fuzz::as_text(data, size);
  const auto cut = input.find('\n');
  if (cut == std::string_view::npos) return 0;
  std::string text = "GET ";
  text += input.substr(0, cut);
  text += " HTTP/1.1\r\nHost: ";
  text += input.substr(cut + 1);
  text += "\r\n\r\n";
  const auto parsed = fuzz::parse(http1::HeadKind::request, {text});
  if (parsed.status != 0) return 0;
  const auto target = http1::request_target(parsed.head);
  if (!target) return 0;
  fuzz::must(target->authority.starts_with(target->host));
  fuzz::must(target->origin.starts_with('/') || target->origin == "*");
  fuzz::must(target->origin.starts_with(target->path));
  model::Gateway gateway;
  const model::Redirect redirect{"r", 302, {}, "https://away.example", true, true};
  const std::string location =
      policy::redirect_location(gateway, redirect, {target->host, target->path, target->query, 0});
  fuzz::must(location.find_first_of("\r\n ") == std::string::npos);
  fuzz::must(location.starts_with("https://away.example/"));
  return 0;
}
