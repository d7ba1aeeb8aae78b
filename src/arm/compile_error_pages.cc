// customErrorConfigurations[]: which page for which status, and where it comes from.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "arm/compile.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

// Section 13 of the behaviour sheet.
constexpr std::array statuses = {400, 403, 404, 405, 408, 500, 502, 503, 504};

std::optional<int> status_of(std::string_view text) {
  constexpr std::string_view prefix = "HttpStatus";
  if (!starts_with_ignoring_case(text, prefix)) return std::nullopt;
  const auto number = parse_decimal<std::uint16_t>(text.substr(prefix.size()));
  const bool known = number && std::ranges::find(statuses, int{*number}) != statuses.end();
  return known ? std::optional<int>(*number) : std::nullopt;
}

// As Azure wants it: an HTML page anyone can fetch.
bool is_page_url(std::string_view url) {
  const std::string path = lowered(url.substr(0, url.find_first_of("?#")));
  return (path.starts_with("http://") || path.starts_with("https://")) &&
         path.find(' ') == std::string::npos && (path.ends_with(".htm") || path.ends_with(".html"));
}

}  // namespace

std::vector<model::ErrorPage> read_error_pages(const Compilation& c, const Item& holder) {
  std::vector<model::ErrorPage> out;
  for (const Item& item : inner_items(holder, "customErrorConfigurations", c.problems)) {
    const PropertyReader reader(item, c.problems);
    const auto name = reader.string("statusCode").value_or("");
    const auto status = status_of(name);
    if (!status) {
      if (!reader.failed("statusCode"))
        reader.error("statusCode", "InvalidRequestFormat",
                     fmt::format("a statusCode is one of HttpStatus{}, not '{}'",
                                 fmt::join(statuses, ", HttpStatus"), name));
      continue;
    }
    model::ErrorPage page{*status, {}, {}};
    page.origin = c.problems.locate(item.where);
    if (const auto* local = c.local.error_pages.find(name)) {
      // What the local file gives is never evaluated in the template.
      page.path = local->value;
      page.origin = c.problems.locate(local->where);
    } else {
      const auto url = reader.string("customErrorPageUrl");
      if (reader.failed("customErrorPageUrl")) continue;
      if (!url || !is_page_url(*url)) {
        reader.error(
            "customErrorPageUrl", "InvalidRequestFormat",
            fmt::format("'{}' is no URL of an .htm or .html page; give one, or a file in the local file: "
                        "\"customErrorPages\": {{ \"{}\": \"{}.html\" }}",
                        url.value_or(""), name, *status));
        continue;
      }
      page.url = *url;
    }
    const bool again = std::ranges::any_of(out, [&](const auto& other) { return other.status == *status; });
    if (again)
      reader.error("statusCode", "InvalidRequestFormat",
                   fmt::format("{} has a page already; remove one", name));
    else
      out.push_back(std::move(page));
  }
  return out;
}

void compile_error_pages(const Compilation& c) {
  if (const Item* holder = c.resource.holder_of("customErrorConfigurations"))
    c.gateway.error_pages = read_error_pages(c, *holder);
}

}  // namespace passerelle::arm
