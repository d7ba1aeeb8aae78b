// What a PUT sends: if a gateway comes of it, what a GET shows of it makes the same gateway when it is PUT
// back.
#include "arm/answer.h"
#include "arm/document.h"
#include "arm/load.h"
#include "fuzz/pieces.h"

using namespace passerelle;

namespace {

const arm::GatewayId id{"s", "g", "gw"};

// The document that was kept, and what a GET shows.
struct Taken {
  std::string document, answer;
};

std::optional<Taken> put(std::string_view body, std::string_view before) {
  const auto document = arm::document_of({body, id, "2024-01-01", before});
  if (!document) {
    fuzz::must(!document.error().empty());
    return std::nullopt;
  }
  arm::LoadInput input;
  input.templates.push_back({"gateway.json", arm::marked(*document, id, false), true});
  input.scope.subscription = id.subscription;
  input.scope.resource_group = id.resource_group;
  input.print = true;
  const arm::Loaded loaded = arm::load(input);
  if (!loaded.gateway) return std::nullopt;
  const auto mark = arm::mark_of(arm::marked(loaded.document, id, true));
  fuzz::must(mark && mark->stopped && mark->id.is(id));
  return Taken{loaded.document,
               arm::as_azure_answers(loaded.printed, {.resource_id = id.to_string(), .location = "x"})};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto first = put(fuzz::as_text(data, size), {});
  if (!first) return 0;
  const auto again = put(first->answer, first->document);
  fuzz::must(again.has_value());
  fuzz::must(again->answer == first->answer);
  fuzz::must(arm::etag_of(first->answer).starts_with("W/\""));
  return 0;
}
