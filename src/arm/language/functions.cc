#include "arm/language/functions.h"

#include <fmt/format.h>

#include <map>

#include "base/text.h"

namespace passerelle::arm {
namespace {

const JsonValue nothing;
const std::string no_text;

std::map<std::string, const Function*, std::less<>> make_index() {
  std::map<std::string, const Function*, std::less<>> out;
  for (const auto group : {text_functions(), collection_functions(), logic_functions(), number_functions(),
                           time_functions(), network_functions()}) {
    for (const Function& function : group) out.emplace(lowered(function.name), &function);
  }
  return out;
}

}  // namespace

JsonValue FunctionCall::fail(std::string sentence) {
  if (error_.empty()) error_ = std::move(sentence);
  return {};
}

JsonValue FunctionCall::wrong(std::size_t i, std::string_view expected) {
  return fail(fmt::format("it takes {} as argument {}, not {}", expected, i + 1,
                          holds_secret(*arguments_[i]) ? "that" : kind_name(arguments_[i]->kind)));
}

const std::string& FunctionCall::text(std::size_t i) {
  if (arguments_[i]->is_string()) return arguments_[i]->text;
  wrong(i, "a string");
  return no_text;
}

std::int64_t FunctionCall::integer(std::size_t i) {
  const auto number = as_integer(*arguments_[i]);
  if (number && arguments_[i]->is(JsonValue::Kind::number)) return *number;
  wrong(i, "a whole number");
  return 0;
}

bool FunctionCall::boolean(std::size_t i) {
  if (arguments_[i]->is(JsonValue::Kind::boolean)) return arguments_[i]->boolean;
  wrong(i, "true or false");
  return false;
}

const JsonValue& FunctionCall::array(std::size_t i) {
  if (arguments_[i]->is(JsonValue::Kind::array)) return *arguments_[i];
  wrong(i, "an array");
  return nothing;
}

const JsonValue& FunctionCall::object(std::size_t i) {
  if (arguments_[i]->is_object()) return *arguments_[i];
  wrong(i, "an object");
  return nothing;
}

const Function* find_function(std::string_view name) {
  static const auto index = make_index();
  const auto found = index.find(lowered(name));
  return found == index.end() ? nullptr : found->second;
}

}  // namespace passerelle::arm
