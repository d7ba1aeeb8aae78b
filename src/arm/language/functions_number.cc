// Numeric functions. Whole numbers of 64 bits; what does not fit is an error.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "arm/language/functions.h"

namespace passerelle::arm {
namespace {

JsonValue overflow(FunctionCall& call) { return call.fail("its result does not fit in 64 bits"); }

JsonValue add(FunctionCall& call) {
  std::int64_t out = 0;
  return __builtin_add_overflow(call.integer(0), call.integer(1), &out) ? overflow(call) : make_number(out);
}

JsonValue sub(FunctionCall& call) {
  std::int64_t out = 0;
  return __builtin_sub_overflow(call.integer(0), call.integer(1), &out) ? overflow(call) : make_number(out);
}

JsonValue mul(FunctionCall& call) {
  std::int64_t out = 0;
  return __builtin_mul_overflow(call.integer(0), call.integer(1), &out) ? overflow(call) : make_number(out);
}

JsonValue divide(FunctionCall& call, bool remainder) {
  const auto dividend = call.integer(0), divisor = call.integer(1);
  if (divisor == 0) return call.fail("it divides by zero");
  if (divisor == -1)
    return remainder ? make_number(0) : dividend == INT64_MIN ? overflow(call) : make_number(-dividend);
  return make_number(remainder ? dividend % divisor : dividend / divisor);
}

JsonValue div(FunctionCall& call) { return divide(call, false); }
JsonValue mod(FunctionCall& call) { return divide(call, true); }

JsonValue integer(FunctionCall& call) {
  if (const auto number = as_integer(call[0])) return make_number(*number);
  // 3.7 and "3.7" are cut to 3.
  double value = 0;
  const std::string& text = call[0].text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::abs(value) < 9e18)
    return make_number(static_cast<std::int64_t>(value));
  return call.fail(fmt::format("{} is no whole number", shown(call[0])));
}

JsonValue floating(FunctionCall& call) {
  double value = 0;
  const std::string& text = call[0].text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    return call.fail(fmt::format("{} is no number", shown(call[0])));
  JsonValue out;
  out.kind = JsonValue::Kind::number;
  out.text = fmt::format("{}", value);
  return out;
}

JsonValue extreme(FunctionCall& call, bool largest) {
  std::vector<const JsonValue*> candidates;
  if (call.count() == 1 && call[0].is(JsonValue::Kind::array)) {
    for (const auto& item : call[0].items) candidates.push_back(&item);
  } else {
    for (std::size_t i = 0; i < call.count(); ++i) candidates.push_back(&call[i]);
  }
  std::optional<std::int64_t> best;
  for (const JsonValue* candidate : candidates) {
    const auto number = as_integer(*candidate);
    if (!number) return call.fail("it takes whole numbers, or an array of them");
    if (!best || (largest ? *number > *best : *number < *best)) best = number;
  }
  return best ? make_number(*best) : call.fail("the array is empty");
}

JsonValue max(FunctionCall& call) { return extreme(call, true); }
JsonValue min(FunctionCall& call) { return extreme(call, false); }

constexpr std::array functions = {
    Function{"add", 2, 2, add},
    Function{"sub", 2, 2, sub},
    Function{"mul", 2, 2, mul},
    Function{"div", 2, 2, div},
    Function{"mod", 2, 2, mod},
    Function{"int", 1, 1, integer},
    Function{"float", 1, 1, floating},
    Function{"max", 1, Function::any, max},
    Function{"min", 1, Function::any, min},
};

}  // namespace

std::span<const Function> number_functions() { return functions; }

}  // namespace passerelle::arm
