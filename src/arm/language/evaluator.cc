#include "arm/language/evaluator.h"

#include <fmt/format.h>

#include <algorithm>

#include "arm/language/values.h"
#include "base/text.h"

namespace passerelle::arm {
namespace {

// Values a function made stand where its expression stands; those it passed on keep their place.
void place(JsonValue& value, Position where) {
  if (value.where.line == 0) value.where = where;
  for (auto& item : value.items) place(item, where);
  for (auto& member : value.members) place(member.value, where);
}

// Azure's property and variable loops: "copy": [ { "name", "count", "input" } ].
const JsonMember* copies_of(const JsonValue& raw) {
  if (raw.scope == evaluated || !raw.is_object()) return nullptr;
  const JsonMember* copy = raw.member("copy");
  if (copy == nullptr || !copy->value.is(JsonValue::Kind::array) || copy->value.items.empty()) return nullptr;
  const auto is_loop = [](const JsonValue& entry) {
    return entry.find("count") != nullptr && entry.find("input") != nullptr;
  };
  return std::ranges::all_of(copy->value.items, is_loop) ? copy : nullptr;
}

class Deeper {
 public:
  explicit Deeper(unsigned& depth) : depth_(depth) { ++depth_; }
  ~Deeper() { --depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  unsigned& depth_;
};

}  // namespace

std::string compact_call(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view(" \t\r\n").find(c) == std::string_view::npos) out += c;
  }
  return out;
}

Evaluator::Evaluator(const NamedEntries<JsonValue>& answers, ProblemList& problems)
    : answers_(answers),
      problems_(problems),
      secrets_seen_(std::ranges::any_of(answers.entries(),
                                        [](const auto& entry) { return holds_secret(entry.value); })) {}

Deployment& Evaluator::deploy(JsonValue& root, std::string name, DeploymentScope place, bool literal) {
  Deployment& deployment = deployments_.emplace_back();
  deployment.name = std::move(name);
  deployment.root = &root;
  deployment.place = std::move(place);
  deployment.scope = add_scope({Scope::Kind::deployment, &deployment, evaluated, {}, 0, {}});
  if (!literal) bind(root, deployment.scope);
  return deployment;
}

ScopeId Evaluator::add_scope(Scope scope) {
  scopes_.push_back(std::move(scope));
  return static_cast<ScopeId>(scopes_.size() - 1);
}

Evaluator::Result Evaluator::fail(const JsonValue& origin, std::string code, std::string message) {
  if (quiet_ == 0) problems_.error(origin.where, std::move(code), std::move(message));
  return nullptr;
}

bool Evaluator::exhausted(const JsonValue& origin) {
  if (!std::exchange(exhausted_, true)) {
    problems_.error(origin.where, "TemplateTooLarge",
                    fmt::format("evaluating the template takes more than {} steps, looks at more than {} "
                                "values or makes more than {}; "
                                "it stops here: look for a copy, a map() or a concat() that multiplies",
                                limits_.steps_max, limits_.work_max, limits_.values_max));
  }
  return false;
}

bool Evaluator::spend(std::size_t nodes, const JsonValue& origin) {
  values_ += nodes;
  return (values_ <= limits_.values_max && ++steps_ <= limits_.steps_max) || exhausted(origin);
}

Evaluator::Result Evaluator::keep(JsonValue value, Position where) {
  place(value, where);
  kept_.push_back(std::move(value));
  return &kept_.back();
}

Evaluator::Result Evaluator::clone(const JsonValue& raw, ScopeId scope, const JsonValue& origin) {
  if (!spend(weight(raw), origin)) return nullptr;
  kept_.push_back(raw);
  bind(kept_.back(), scope);
  return &kept_.back();
}

Evaluator::Result Evaluator::force(Result value) {
  return value == nullptr || value->scope == evaluated ? value : resolve_all(*value);
}

std::string Evaluator::label(const JsonValue& raw) const {
  const auto found = labels_.find(&raw);
  return found != labels_.end() ? found->second : raw.is_string() ? raw.text : std::string("an object");
}

Evaluator::Result Evaluator::cycle(const JsonValue& raw) {
  std::string round;
  for (auto at = std::ranges::find(under_way_, &raw); at != under_way_.end(); ++at) {
    // Only what has a name says anything; one without any stands for itself.
    if (labels_.contains(*at) || under_way_.size() == 1) round += label(**at) + " -> ";
  }
  return fail(raw, "InvalidTemplate",
              fmt::format("these need each other, so none has a value: {}{}", round, label(raw)));
}

Evaluator::Result Evaluator::resolve(const JsonValue& raw) {
  if (raw.scope == evaluated) return &raw;
  const bool text = raw.is_string() && raw.text.starts_with('[');
  if (!text && copies_of(raw) == nullptr) return &raw;
  const Deeper deeper(depth_);
  if (depth_ > limits_.depth_max)
    return fail(raw, "InvalidTemplate", "the expression needs others too deeply");
  const auto [entry, fresh] = resolved_.try_emplace(&raw, &under_way_value_);
  if (!fresh) return entry->second == &under_way_value_ ? cycle(raw) : entry->second;
  under_way_.push_back(&raw);
  Result result = text ? evaluate_text(raw) : expand_copies(raw);
  under_way_.pop_back();
  if (result == nullptr && quiet_ != 0)
    resolved_.erase(&raw);
  else
    resolved_[&raw] = result;
  return result;
}

Evaluator::Result Evaluator::evaluate_text(const JsonValue& raw) {
  if (raw.text.starts_with("[[") && raw.text.ends_with(']'))
    return keep(make_text(raw.text.substr(1)), raw.where);
  if (!is_expression(raw.text)) {
    if (quiet_ == 0 && raw.text.find('(') != std::string::npos) {
      problems_.warning(
          raw.where, "UnclosedExpression",
          fmt::format(
              "\"{}\" begins as an expression and has no ']' at its end, so it is text; add the ']', or "
              "write \"[[\" for a '['",
              raw.text));
    }
    return keep(make_text(raw.text), raw.where);
  }
  const auto expression = parse_expression(std::string_view(raw.text).substr(1, raw.text.size() - 2));
  if (!expression) {
    return fail(raw, "InvalidTemplate",
                fmt::format("the expression \"{}\" cannot be read: {}", raw.text, expression.error()));
  }
  Result result = evaluate(*expression, raw.scope, raw);
  // A variable or a parameter that is an expression itself.
  if (result != nullptr && result->scope != evaluated) result = resolve(*result);
  if (result == nullptr || !raw.secret) return result;
  kept_.push_back(*result);
  make_secret(kept_.back());
  return &kept_.back();
}

void Evaluator::make_secret(JsonValue& value) {
  secrets_seen_ = true;
  value.secret = true;
  problems_.hide(value.text);
  for (auto& item : value.items) make_secret(item);
  for (auto& member : value.members) make_secret(member.value);
}

std::optional<std::int64_t> Evaluator::copy_count(const JsonValue& copy, const JsonValue& origin) {
  const JsonValue* raw = copy.find("count");
  Result count = raw != nullptr ? force(resolve(*raw)) : nullptr;
  if (raw != nullptr && count == nullptr) return std::nullopt;
  const auto number = count != nullptr ? as_integer(*count) : std::nullopt;
  if (number && *number >= 0 && *number <= limits_.copy_count_max) return number;
  fail(raw != nullptr ? *raw : origin, "InvalidTemplate",
       fmt::format("a copy's count is a whole number from 0 to {}, not {}", limits_.copy_count_max,
                   count != nullptr ? shown(*count) : "missing"));
  return std::nullopt;
}

Evaluator::Result Evaluator::expand_copies(const JsonValue& raw) {
  const JsonMember* copies = copies_of(raw);
  JsonValue out = make_object();
  out.where = raw.where;
  out.scope = raw.scope;
  for (const JsonMember& member : raw.members) {
    if (&member == copies) continue;
    Result cloned = clone(member.value, member.value.scope, raw);
    if (cloned == nullptr) return nullptr;
    out.members.push_back({member.key, member.key_where, *cloned});
  }
  for (const JsonValue& entry : copies->value.items) {
    Result list = expand_copy(entry, raw);
    if (list == nullptr) return nullptr;
    out.members.push_back({force(resolve(*entry.find("name")))->text, entry.where, *list});
  }
  kept_.push_back(std::move(out));
  return &kept_.back();
}

// One of the loops: its list, each element in a scope of its own.
Evaluator::Result Evaluator::expand_copy(const JsonValue& entry, const JsonValue& raw) {
  const auto [known, fresh] = resolved_.try_emplace(&entry, &under_way_value_);
  if (!fresh) return known->second == &under_way_value_ ? cycle(entry) : known->second;
  under_way_.push_back(&entry);
  Result result = compute_copy(entry, raw);
  under_way_.pop_back();
  if (result == nullptr && quiet_ != 0)
    resolved_.erase(&entry);
  else
    resolved_[&entry] = result;
  return result;
}

Evaluator::Result Evaluator::compute_copy(const JsonValue& entry, const JsonValue& raw) {
  const JsonValue* name_raw = entry.find("name");
  Result name = name_raw != nullptr ? force(resolve(*name_raw)) : nullptr;
  if (name_raw == nullptr || (name != nullptr && !name->is_string())) {
    return fail(entry, "InvalidTemplate", "a copy has a name, which is what its list will be called");
  }
  const auto count = copy_count(entry, raw);
  if (name == nullptr || !count) return nullptr;
  JsonValue list = make_array();
  list.where = entry.where;
  list.scope = raw.scope;
  for (std::int64_t i = 0; i < *count; ++i) {
    const ScopeId scope =
        add_scope({Scope::Kind::property_loop, scopes_[raw.scope].deployment, raw.scope, name->text, i, {}});
    Result item = clone(*entry.find("input"), scope, raw);
    if (item == nullptr) return nullptr;
    list.items.push_back(*item);
  }
  kept_.push_back(std::move(list));
  return &kept_.back();
}

Evaluator::Result Evaluator::resolve_all(const JsonValue& raw) {
  const Deeper deeper(depth_);
  if (depth_ > limits_.depth_max)
    return fail(raw, "InvalidTemplate", "the template is nested too deeply to evaluate");
  Result outer = resolve(raw);
  if (outer == nullptr || outer->scope == evaluated) return outer;
  const auto [entry, fresh] = whole_.try_emplace(outer, &under_way_value_);
  if (!fresh) return entry->second == &under_way_value_ ? cycle(*outer) : entry->second;
  under_way_.push_back(outer);
  Result result = compute_all(*outer);
  under_way_.pop_back();
  if (result == nullptr && quiet_ != 0)
    whole_.erase(outer);
  else
    whole_[outer] = result;
  return result;
}

Evaluator::Result Evaluator::try_resolve_all(const JsonValue& raw) {
  ++quiet_;
  Result result = resolve_all(raw);
  --quiet_;
  return result;
}

Evaluator::Result Evaluator::compute_all(const JsonValue& raw) {
  if (!spend(1 + raw.members.size() + raw.items.size(), raw)) return nullptr;
  JsonValue out;
  out.kind = raw.kind;
  out.boolean = raw.boolean;
  out.text = raw.text;
  out.where = raw.where;
  out.secret = raw.secret;
  bool failed = false;  // go on all the same, so that everything wrong is said at once
  for (const JsonValue& item : raw.items) {
    Result inner = resolve_all(item);
    failed = failed || inner == nullptr;
    if (inner != nullptr) out.items.push_back(*inner);
  }
  for (const JsonMember& member : raw.members) {
    Result inner = resolve_all(member.value);
    failed = failed || inner == nullptr;
    if (inner != nullptr) out.members.push_back({member.key, member.key_where, *inner});
  }
  if (failed) return nullptr;
  kept_.push_back(std::move(out));
  return &kept_.back();
}

Evaluator::Result Evaluator::evaluate(const Expression& expression, ScopeId scope, const JsonValue& origin) {
  const Deeper deeper(depth_);
  if (depth_ > limits_.depth_max)
    return fail(origin, "InvalidTemplate", "the expression needs others too deeply");
  if (!spend(1, origin)) return nullptr;
  switch (expression.kind) {
    case Expression::Kind::string: return keep(make_text(expression.text), origin.where);
    case Expression::Kind::integer: {
      JsonValue number = make_text(expression.text);
      number.kind = JsonValue::Kind::number;
      return keep(std::move(number), origin.where);
    }
    case Expression::Kind::call:
    case Expression::Kind::property:
    case Expression::Kind::index: return chain(expression, scope, origin);
  }
  return nullptr;
}

// One `.name` or `[index]` further.
Evaluator::Result Evaluator::step(Result object, const Expression& expression, ScopeId scope,
                                  const JsonValue& origin) {
  if (object != nullptr) object = resolve(*object);
  if (object == nullptr) return nullptr;
  if (expression.kind == Expression::Kind::property) {
    if (const JsonValue* found = object->find(expression.text)) return found;
    if (!object->is_object()) {
      return fail(origin, "InvalidTemplate",
                  fmt::format("{} is {}, so it has no property '{}'", expression.operands[0].source,
                              kind_name(object->kind), expression.text));
    }
    std::vector<std::string_view> names;
    for (const auto& member : object->members) names.push_back(member.key);
    const auto near = nearest_word(expression.text, names);
    return fail(origin, "InvalidTemplate",
                fmt::format("{} has no property '{}'{}", expression.operands[0].source, expression.text,
                            near.empty() ? std::string() : fmt::format("; did you mean '{}'?", near)));
  }
  Result index = force(evaluate(expression.operands[1], scope, origin));
  if (index == nullptr) return nullptr;
  if (const JsonValue* found = index->is_string() ? object->find(index->text) : nullptr) return found;
  const auto number = as_integer(*index);
  if (number && *number >= 0 && *number < static_cast<std::int64_t>(object->items.size()))
    return &object->items[static_cast<std::size_t>(*number)];
  return fail(origin, "InvalidTemplate",
              fmt::format("{} has no element [{}]{}", expression.operands[0].source, shown(*index),
                          object->is(JsonValue::Kind::array) ? fmt::format(", only {}", object->items.size())
                                                             : std::string()));
}

}  // namespace passerelle::arm
