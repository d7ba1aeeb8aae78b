// map(), filter(), reduce(), sort(), toObject(), groupBy(), mapValues() and their lambdas.
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "arm/language/evaluator.h"
#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {

Evaluator::Result Evaluator::lambda_variable(const std::string& name, ScopeId scope,
                                             const JsonValue& origin) {
  for (ScopeId at = scope; at != evaluated; at = scopes_[at].parent) {
    if (scopes_[at].kind != Scope::Kind::lambda) continue;
    for (const auto& [known, value] : scopes_[at].values) {
      if (equals_ignoring_case(known, name)) return value;
    }
  }
  return fail(origin, "InvalidTemplate", fmt::format("no lambda around this has a variable '{}'", name));
}

// lambda('a', 'b', body): the names it takes may be fewer than the values there are.
Evaluator::Result Evaluator::invoke(const Expression& lambda, std::vector<Result> values, ScopeId scope,
                                    const JsonValue& origin) {
  Scope inner{Scope::Kind::lambda, scopes_[scope].deployment, scope, {}, 0, {}};
  for (std::size_t i = 0; i + 1 < lambda.operands.size() && i < values.size(); ++i)
    inner.values.emplace_back(lambda.operands[i].text, values[i]);
  if (!spend(1, origin)) return nullptr;
  return force(evaluate(lambda.operands.back(), add_scope(std::move(inner)), origin));
}

Evaluator::Result Evaluator::lambda_call(const std::string& name, const Expression& expression, ScopeId scope,
                                         const JsonValue& origin) {
  const auto is_lambda = [](const Expression& e) {
    return e.kind == Expression::Kind::call && equals_ignoring_case(e.text, "lambda") && !e.operands.empty();
  };
  const auto& operands = expression.operands;
  const std::size_t wanted = name == "reduce" ? 3 : 2;
  const bool two_lambdas = name == "toobject" && operands.size() == 3;
  if ((operands.size() != wanted && !two_lambdas) || !is_lambda(operands.back()) ||
      (two_lambdas && !is_lambda(operands[1])))
    return fail(origin, "InvalidTemplate",
                fmt::format("{}() takes a collection and a lambda()", expression.text));
  Result collection = force(evaluate(operands[0], scope, origin));
  if (collection == nullptr) return nullptr;
  const auto kind = name == "mapvalues" ? JsonValue::Kind::object : JsonValue::Kind::array;
  if (!collection->is(kind)) {
    return fail(origin, "InvalidTemplate",
                fmt::format("{}() takes {}, not {}", expression.text, kind_name(kind), shown(*collection)));
  }
  if (name == "reduce") return reduce(*collection, expression, scope, origin);
  if (name == "sort") return sort(*collection, operands[1], scope, origin);
  if (name == "mapvalues") return map_values(*collection, operands[1], scope, origin);
  if (name == "toobject" || name == "groupby") return by_key(*collection, expression, scope, origin);
  JsonValue out = make_array();
  for (std::size_t i = 0; i < collection->items.size(); ++i) {
    const JsonValue& item = collection->items[i];
    Result value = invoke(operands[1], {&item, keep(make_number(static_cast<std::int64_t>(i)), origin.where)},
                          scope, origin);
    if (value == nullptr) return nullptr;
    if (name == "map") {
      out.items.push_back(*value);
    } else if (!value->is(JsonValue::Kind::boolean)) {
      return fail(origin, "InvalidTemplate",
                  fmt::format("the lambda of filter() yields true or false, not {}", shown(*value)));
    } else if (value->boolean) {
      out.items.push_back(item);
    }
  }
  return spend(weight(out), origin) ? keep(std::move(out), origin.where) : nullptr;
}

Evaluator::Result Evaluator::reduce(const JsonValue& array, const Expression& expression, ScopeId scope,
                                    const JsonValue& origin) {
  Result sum = force(evaluate(expression.operands[1], scope, origin));
  for (std::size_t i = 0; i < array.items.size() && sum != nullptr; ++i) {
    Result index = keep(make_number(static_cast<std::int64_t>(i)), origin.where);
    sum = invoke(expression.operands[2], {sum, &array.items[i], index}, scope, origin);
  }
  return sum;
}

// By insertion into a sorted list, by halves: a lambda that contradicts itself gives some order, and no harm.
Evaluator::Result Evaluator::sort(const JsonValue& array, const Expression& lambda, ScopeId scope,
                                  const JsonValue& origin) {
  std::vector<const JsonValue*> sorted;
  for (const JsonValue& item : array.items) {
    std::size_t low = 0, high = sorted.size();
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      Result before = invoke(lambda, {&item, sorted[middle]}, scope, origin);
      if (before == nullptr) return nullptr;
      if (!before->is(JsonValue::Kind::boolean))
        return fail(origin, "InvalidTemplate",
                    fmt::format("the lambda of sort() yields true or false, not {}", shown(*before)));
      if (before->boolean)
        high = middle;
      else
        low = middle + 1;
    }
    sorted.insert(sorted.begin() + static_cast<std::ptrdiff_t>(low), &item);
  }
  JsonValue out = make_array();
  for (const JsonValue* item : sorted) out.items.push_back(*item);
  return spend(weight(out), origin) ? keep(std::move(out), origin.where) : nullptr;
}

Evaluator::Result Evaluator::map_values(const JsonValue& object, const Expression& lambda, ScopeId scope,
                                        const JsonValue& origin) {
  JsonValue out = make_object();
  for (const JsonMember& member : object.members) {
    Result value = invoke(lambda, {&member.value}, scope, origin);
    if (value == nullptr) return nullptr;
    add_member(out, member.key, *value);
  }
  return spend(weight(out), origin) ? keep(std::move(out), origin.where) : nullptr;
}

// toObject(array, key, [value]) and groupBy(array, key): the same, but a group is a list.
Evaluator::Result Evaluator::by_key(const JsonValue& array, const Expression& expression, ScopeId scope,
                                    const JsonValue& origin) {
  const bool group = equals_ignoring_case(expression.text, "groupBy");
  JsonValue out = make_object();
  std::unordered_map<std::string, std::size_t> place;  // of each key, ignoring case
  for (const JsonValue& item : array.items) {
    Result key = invoke(expression.operands[1], {&item}, scope, origin);
    if (key == nullptr) return nullptr;
    if (!key->is_string())
      return fail(origin, "InvalidTemplate",
                  fmt::format("the lambda of {}() yields a name, not {}", expression.text, shown(*key)));
    Result value =
        expression.operands.size() == 3 ? invoke(expression.operands[2], {&item}, scope, origin) : &item;
    if (value == nullptr) return nullptr;
    const auto [at, fresh] = place.try_emplace(lowered(key->text), out.members.size());
    if (fresh) add_member(out, key->text, group ? make_array() : make_null());
    JsonValue& mine = out.members[at->second].value;
    if (group)
      mine.items.push_back(*value);
    else
      mine = JsonValue(*value);
  }
  return spend(weight(out), origin) ? keep(std::move(out), origin.where) : nullptr;
}

}  // namespace passerelle::arm
