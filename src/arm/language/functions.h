// The template functions that only compute: text, collections, logic, numbers, time, networks. Those that ask
// the deployment (parameters, reference, resourceId, …) and those that take lambdas are the evaluator's own.
// Source: ARM template functions reference (Azure Resource Manager documentation).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "arm/language/values.h"

namespace passerelle::arm {

// What a function may produce at most: strings and lists that grow beyond it are an error, not a burden.
inline constexpr std::size_t function_bytes_max = 4U << 20U;
inline constexpr std::int64_t range_count_max = 10'000;  // Azure's own limit for range()

// One call, for the time of it. The first thing found wrong is kept; what follows works with empty values.
class FunctionCall {
 public:
  explicit FunctionCall(std::span<const JsonValue* const> arguments) : arguments_(arguments) {}

  [[nodiscard]] std::size_t count() const { return arguments_.size(); }
  [[nodiscard]] const JsonValue& operator[](std::size_t i) const { return *arguments_[i]; }
  [[nodiscard]] bool has(std::size_t i) const { return i < arguments_.size(); }

  [[nodiscard]] const std::string& text(std::size_t i);
  [[nodiscard]] std::int64_t integer(std::size_t i);
  [[nodiscard]] bool boolean(std::size_t i);
  [[nodiscard]] const JsonValue& array(std::size_t i);
  [[nodiscard]] const JsonValue& object(std::size_t i);

  JsonValue fail(std::string sentence);
  // For an argument of the wrong kind.
  JsonValue wrong(std::size_t i, std::string_view expected);
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  std::span<const JsonValue* const> arguments_;
  std::string error_;
};

struct Function {
  static constexpr unsigned any = 1000;  // arguments at most
  std::string_view name;
  unsigned arguments_min = 0;
  unsigned arguments_max = 0;
  JsonValue (*run)(FunctionCall& call) = nullptr;
};

[[nodiscard]] std::span<const Function> text_functions();
[[nodiscard]] std::span<const Function> collection_functions();
[[nodiscard]] std::span<const Function> logic_functions();
[[nodiscard]] std::span<const Function> number_functions();
[[nodiscard]] std::span<const Function> time_functions();
[[nodiscard]] std::span<const Function> network_functions();

// Names ignore case. Null: no such function here.
[[nodiscard]] const Function* find_function(std::string_view name);

}  // namespace passerelle::arm
