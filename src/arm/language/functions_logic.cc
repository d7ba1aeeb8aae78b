// Logical and comparison functions. if(), and(), or() and coalesce() are the evaluator's: they look at no
// more of their arguments than they need.
#include <algorithm>
#include <array>
#include <compare>

#include "arm/language/functions.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

JsonValue boolean(FunctionCall& call) {
  if (call[0].is(JsonValue::Kind::boolean)) return call[0];
  if (const auto number = as_integer(call[0])) return make_boolean(*number != 0);
  if (equals_ignoring_case(call[0].text, "true")) return make_boolean(true);
  if (equals_ignoring_case(call[0].text, "false")) return make_boolean(false);
  return call.fail("its argument is neither true nor false, nor a number");
}

JsonValue yes(FunctionCall& /*call*/) { return make_boolean(true); }
JsonValue no(FunctionCall& /*call*/) { return make_boolean(false); }
JsonValue null(FunctionCall& /*call*/) { return make_null(); }
JsonValue negation(FunctionCall& call) { return make_boolean(!call.boolean(0)); }
JsonValue equals(FunctionCall& call) { return make_boolean(equal(call[0], call[1])); }

std::strong_ordering compare(FunctionCall& call) {
  if (call[0].is_string() && call[1].is_string()) return call[0].text <=> call[1].text;
  return call.integer(0) <=> call.integer(1);
}

JsonValue greater(FunctionCall& call) { return make_boolean(compare(call) > 0); }
JsonValue greater_or_equals(FunctionCall& call) { return make_boolean(compare(call) >= 0); }
JsonValue less(FunctionCall& call) { return make_boolean(compare(call) < 0); }
JsonValue less_or_equals(FunctionCall& call) { return make_boolean(compare(call) <= 0); }

constexpr std::array functions = {
    Function{"bool", 1, 1, boolean},
    Function{"equals", 2, 2, equals},
    Function{"false", 0, 0, no},
    Function{"greater", 2, 2, greater},
    Function{"greaterOrEquals", 2, 2, greater_or_equals},
    Function{"less", 2, 2, less},
    Function{"lessOrEquals", 2, 2, less_or_equals},
    Function{"not", 1, 1, negation},
    Function{"null", 0, 0, null},
    Function{"true", 0, 0, yes},
};

}  // namespace

std::span<const Function> logic_functions() { return functions; }

}  // namespace passerelle::arm
